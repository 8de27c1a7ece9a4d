"""The plan: which methods are tried, by their tags, and why the others are not."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from landbridge import Domain, make_pipeline
from landbridge.candidates import compose, default_scaler, find_strategy, plan
from landbridge.catalogue import methods
from landbridge.discrepancy import Diagnosis
from landbridge.exceptions import InputError
from landbridge.feature import CORAL, DomainScaler, EasyTL, KernelCCA
from landbridge.instance import KMM
from landbridge.problem import Arguments, Sides
from landbridge.stepwise import GradualSelfTraining

rng = np.random.default_rng(0)
X, Z = rng.normal(size=(60, 3)), rng.normal(size=(60, 3)) + 1
Y = (X[:, 0] > 0).astype(int)


def _plan(source=None, target=Z, kind="concept", risk="high", **given):
    arguments = Arguments.of(**given)
    sides = Sides((X, Y) if source is None else source, target, arguments)
    problem = find_strategy(sides).read(sides)
    return {s.name: s for s in plan(problem, Diagnosis(kind, risk, ""), arguments)}


def test_every_method_is_planned_or_skipped_with_a_reason():
    planned = _plan()
    assert set(planned) == {m.name for m in methods()}
    assert all(s.reason for s in planned.values())


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("KernelCCA", {}, "made for domains with different features"),
        ("TrAdaBoost", {}, "needs target labels"),
        ("SourcePooling", {}, "needs several sources"),
        ("JDOTRegressor", {}, "is made for regression, not classification"),
        ("AdaptiveSVM", {}, "without target labels it is the source model itself"),
        ("GradualSelfTraining", {"risk": "low"}, "small enough for a single step"),
        ("KLIEP", {"kind": "concept"}, "concept shift was diagnosed"),
        ("OTMapping", {"kind": "label"}, "label shift was diagnosed"),
        ("DomainScaler", {"kind": "label"}, "label shift was diagnosed"),
    ],
)
def test_reasons(name, given, why):
    spec = _plan(**given)[name]
    assert spec.skipped and why in spec.reason


def test_methods_that_are_ruled_out_are_tried_on_request():
    assert _plan(kind="concept")["KLIEP"].skipped
    assert not _plan(kind="concept", exhaustive=True)["KLIEP"].skipped
    assert not _plan(kind="covariate")["KLIEP"].skipped
    # With target labels to validate on, nothing is ruled out.
    assert not _plan(target=(Z, (Z[:, 0] > 1).astype(int)))["KLIEP"].skipped


def test_sparse_samples():
    source, target = Domain(sparse.csr_matrix(X), Y), Domain(sparse.csr_matrix(Z))
    assert "sparse" in _plan(source, target)["CORAL"].reason


def test_the_scaler_follows_the_diagnosis():
    assert isinstance(default_scaler(Diagnosis("concept", "high", "")), DomainScaler)
    assert isinstance(default_scaler(Diagnosis("covariate", "high", "")), StandardScaler)


def test_methods_are_composed_with_the_learner():
    names = [type(s).__name__ for _, s in compose(CORAL(), LogisticRegression()).steps]
    assert names == ["StandardScaler", "CORAL", "LogisticRegression"]
    assert [type(s).__name__ for _, s in compose(EasyTL(), LogisticRegression()).steps][-1] == "EasyTL"
    weighted = compose(KMM(), LogisticRegression(C=3.0), random_state=5)[-1]
    assert weighted.estimator.C == 3.0 and weighted.random_state == 5
    assert compose(GradualSelfTraining(), LogisticRegression())[-1].estimator is not None
    assert next(s.task for _, s in compose(KernelCCA(), Ridge()).steps if hasattr(s, "task")) == "regression"


def test_requested_methods():
    pipe = make_pipeline(CORAL(), LogisticRegression())
    planned = _plan(methods=["coral", CORAL(reg_covar=2.0), pipe, "CORAL"])
    assert list(planned) == ["CORAL", "CORAL (2)", "CORAL pipeline", "CORAL (3)"]
    assert planned["CORAL (2)"].model[1].reg_covar == 2.0 and planned["CORAL"].reason == "requested"
    with pytest.raises(InputError, match="neither the name"):
        _plan(methods=[LogisticRegression()])
    with pytest.raises(InputError, match="without any transfer method"):
        _plan(methods=[make_pipeline(StandardScaler(), LogisticRegression())])


def test_intermediate_domains_that_no_requested_method_uses_are_refused():
    with pytest.raises(InputError, match=r"intermediate_domains does not apply.*CORAL,KMM.*GradualSelfTraining"):
        _plan(methods=["CORAL", "KMM"], intermediate_domains=[Z])
    assert set(_plan(methods=["CORAL", "GradualSelfTraining"], intermediate_domains=[Z])) == {
        "CORAL",
        "GradualSelfTraining",
    }


def test_methods_with_a_classifier_by_default_get_the_base_learner_for_regression():
    for name in ("FeatureAugmentation", "Recalibration", "OTLabelPropagation"):
        (method,) = [m.cls() for m in methods() if m.name == name]
        final = compose(method, Ridge(alpha=3.0)).steps[-1][1]
        assert isinstance(final.estimator, Ridge) and final.estimator.alpha == 3.0


def test_requested_methods_that_cannot_be_fitted_are_refused_or_skipped():
    with pytest.raises(InputError, match=r"no requested method applies \(TrAdaBoost needs target labels"):
        _plan(methods=["TrAdaBoost"])
    with pytest.raises(InputError, match="JDOTRegressor is made for regression, not classification"):
        _plan(methods=["JDOTRegressor", "TrAdaBoost"])
    found = _plan(methods=["TrAdaBoost", "CORAL"])
    assert found["TrAdaBoost"].skipped and "needs target labels" in found["TrAdaBoost"].reason
    assert not found["CORAL"].skipped
