"""transfer() and measure() between sides whose columns differ."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

import landbridge
from landbridge import Domain, load_result, make_pipeline, transfer
from landbridge.discrepancy import Diagnosis
from landbridge.exceptions import InputError
from landbridge.feature import CORAL, CoOptimalTransport, KernelCCA, ManifoldAlignment
from landbridge.verbs._plan import plan
from landbridge.verbs._sides import as_pair, share_columns


def _sides(seed=0, n=150, m=120, noise=1.0):
    """Two classes seen through different columns: three on the source, five on the target."""
    rng = np.random.default_rng(seed)
    y, yt = np.arange(n) % 2, np.arange(m) % 2
    Xs = rng.normal(size=(n, 3)) + 3.0 * y[:, None] * [1.0, 1.0, 0.0]
    Xt = noise * rng.normal(size=(m, 5)) + 2.0 * yt[:, None] * [1.0, 0.0, 0.0, 1.0, 0.0]
    return Domain(Xs, y, name="here"), Domain(Xt, yt, name="there")


def _frames(seed=0):
    source, target = _sides(seed)
    A = pd.DataFrame(source.X, columns=["a", "b", "c"]).assign(ill=source.y)
    B = pd.DataFrame(target.X, columns=["v", "w", "x", "y", "z"]).assign(sex="f")
    B.loc[::3, "sex"] = "m"
    return A, B, target.y


def test_only_methods_for_different_columns_are_tried():
    result = transfer(*_sides(), target_labels=5)
    tried = {c.name for c in result.candidates if c.status == "tried"}
    assert {"source-prior", "target-only", "KernelCCA", "CoOptimalTransport"} <= tried
    assert "source-only" not in tried
    assert result["CORAL"].status == "skipped" and result["CORAL"].why == "needs the same columns"
    assert result.diagnosis.kind == "columns" and "(3 and 5)" in result.diagnosis.words
    assert result.decision.evidence == "target labels"
    assert result.predict(_sides()[1].X).shape == (120,)
    assert result["source-prior"].hidden.value == pytest.approx(0.5)


def test_with_the_same_columns_they_are_left_out():
    source, _ = _sides()
    how = {"task": "classification", "labelled": 20, "estimator": LogisticRegression()}
    planned = {p.name: p for p in plan(source, source, diagnosis=Diagnosis("subspace", "high", ""), **how)}
    for name in ("KernelCCA", "CoOptimalTransport", "ManifoldAlignment"):
        assert planned[name].model is None and "different columns" in planned[name].why
    assert planned["CORAL"].model is not None


def test_without_target_labels_nothing_is_handed_over_and_why_is_said():
    source, target = _sides()
    result = transfer(source, target, target_labels="hide")
    assert not result.decision.transferred and result.decision.chosen == "source-prior"
    assert "different features" in result.decision.reason and "Label at least" in result.decision.reason
    assert result["CoOptimalTransport"].status == "tried" and not result["CoOptimalTransport"].defensible
    assert result["KernelCCA"].status == "skipped" and "target labels" in result["KernelCCA"].why
    assert set(result.predict(target.X)) == {0}


def test_with_too_few_labels_to_judge_the_target_rows_alone_are_the_answer():
    result = transfer(*_sides(), target_labels=1)
    assert not result.decision.transferred and result.decision.chosen == "target-only"
    assert "too few target labels" in result.decision.reason


def test_a_useless_source_loses_to_target_only():
    source, target = _sides(n=60, m=80, noise=0.3)
    scrambled = source.replace(y=np.random.default_rng(0).permutation(source.y))
    result = transfer(scrambled, target, target_labels=5)
    assert result.decision.chosen == "target-only"
    assert result["target-only"].hidden.value > 0.95


def test_methods_asked_for():
    source, target = _sides()
    pipe = make_pipeline(CoOptimalTransport(), LogisticRegression())
    result = transfer(source, target, target_labels=5, methods=[KernelCCA(reg=0.1), pipe])
    assert {"KernelCCA", "CoOptimalTransport pipeline"} <= {c.name for c in result.candidates if c.status == "tried"}
    for asked in ("CORAL", CORAL(), make_pipeline(StandardScaler(), KernelCCA(), LogisticRegression())):
        with pytest.raises(InputError, match=r"target has 5 but source has 3; choose among .*KernelCCA"):
            transfer(source, target, target_labels=5, methods=[asked])


def test_regression():
    rng = np.random.default_rng(0)
    source, target = Domain(rng.normal(size=(60, 3)), rng.normal(size=60)), Domain(rng.normal(size=(50, 2)))
    result = transfer(source, target, estimator=Ridge())
    assert result.decision.chosen == "source-prior" and result["KernelCCA"].status == "skipped"
    np.testing.assert_allclose(result.predict(target.X), source.y.mean())


def test_a_result_is_saved_and_read(tmp_path):
    source, target = _sides(n=60, m=60)
    result = transfer(source, target, target_labels=5, methods=["KernelCCA"])
    for i, method in enumerate((KernelCCA(kernel="rbf"), KernelCCA(), CoOptimalTransport(), ManifoldAlignment())):
        model = make_pipeline(method, LogisticRegression())
        model.fit(source.X, source.y, X_target=target.X, y_target=target.y)
        again = load_result(dataclasses.replace(result, model=model).save(tmp_path / str(i)))
        np.testing.assert_array_equal(again.predict(target.X), model.predict(target.X))
        np.testing.assert_array_equal(again.model[0].transform_source(source.X), model[0].transform_source(source.X))


def test_tables_that_share_no_column_are_read_each_by_itself(tmp_path):
    A, B, yt = _frames()
    partly = B.assign(ill=[int(v) if i < 20 else None for i, v in enumerate(yt)])
    result = transfer(A, partly, label="ill")
    assert result.source.columns == ["a", "b", "c"]
    assert result.target.columns == ["v", "w", "x", "y", "z", "sex=f", "sex=m"] and result.target.labelled.sum() == 20
    assert result.predict(B.head(7)).shape == (7,)
    A.to_csv(tmp_path / "ward.csv", index=False)
    B.to_csv(tmp_path / "clinic.csv", index=False)
    source, target, encoder = as_pair(tmp_path / "ward.csv", tmp_path / "clinic.csv", label="ill", other_columns=True)
    assert (source.name, target.name, target.regime) == ("ward", "clinic", "unlabelled")
    assert encoder.transform(B).shape == (120, 7) and not share_columns(source, target)


def test_a_column_that_is_missing_is_still_an_error():
    A, B, _ = _frames()
    a, b = Domain(A[["a", "b"]], A.ill), Domain(B[["v", "w"]].rename(columns={"v": "a"}))
    with pytest.raises(InputError, match="lacks the source's column 'b'"):
        transfer(a, b)


def test_measure_says_that_it_compares_column_by_column():
    source, target = _sides()
    with pytest.raises(InputError, match=r"target has 5 columns but source has 3.*transfer\(\) alone") as told:
        landbridge.measure(source, target)
    assert "\n" not in str(told.value)
