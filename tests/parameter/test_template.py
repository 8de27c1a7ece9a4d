"""What the template does for every parameter method: the source model, the labels, and the features."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.tree import DecisionTreeClassifier

from landbridge.exceptions import InputError, LabelError
from landbridge.parameter import (
    AdaptiveSVM,
    SourcePriorGLM,
    SourcePriorGP,
    SourcePriorLogistic,
    SourcePriorRidge,
    TransEMDT,
    TransferForest,
    TransferTree,
)
from landbridge.parameter._template import encode_labels

PAIRS = [
    (SourcePriorLogistic(), LogisticRegression()),
    (AdaptiveSVM(), LogisticRegression()),
    (TransferTree(random_state=0), DecisionTreeClassifier(random_state=0)),
    (TransferForest(random_state=0), RandomForestClassifier(5, random_state=0)),
    (TransEMDT(random_state=0), DecisionTreeClassifier(random_state=0)),
    (SourcePriorRidge(), Ridge()),
    (SourcePriorGLM(), PoissonRegressor()),
    (SourcePriorGP(random_state=0), Ridge()),
]
everyone = pytest.mark.parametrize(("method", "source"), PAIRS, ids=[type(m).__name__ for m, _ in PAIRS])


def domains(method, names=(0, 1)):
    rng = np.random.default_rng(0)
    X, Xt = rng.normal(size=(60, 3)), rng.normal(size=(40, 3)) + 0.5
    y, yt = np.exp(X[:, 0] / 2), np.exp(Xt[:, 0] / 2 + 0.3)
    if is_classifier(method):
        y, yt = np.array(names)[(y > 1).astype(int)], np.array(names)[(yt > 1).astype(int)]
    return X, y, Xt, yt


def scores(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


@everyone
def test_a_given_source_model_is_adapted_with_or_without_source_samples(method, source):
    X, y, Xt, yt = domains(method)
    given = clone(method).set_params(source_estimator=FrozenEstimator(clone(source).fit(X, y)))
    adapted = clone(given).adapt(Xt, yt)
    fitted = clone(given).fit(X, y, X_target=Xt, y_target=yt)
    np.testing.assert_allclose(scores(adapted, Xt), scores(fitted, Xt))
    assert adapted.source_estimator_ is not None and adapted.n_features_in_ == 3
    alone = clone(given).fit(X, y)
    np.testing.assert_allclose(alone.predict(Xt).astype(float), alone.source_estimator_.predict(Xt).astype(float))


@everyone
def test_adapting_needs_a_source_model(method, source):
    X, _, _, yt = domains(method)
    with pytest.raises(NotFittedError):
        clone(method).adapt(X[:40], yt)


@everyone
def test_features_of_the_source_model_are_compared(method, source):
    X, y, Xt, yt = domains(method)
    given = clone(method).set_params(source_estimator=FrozenEstimator(clone(source).fit(X, y)))
    with pytest.raises(InputError, match=r"^source_estimator was fitted on 3 features but X_target has 2"):
        clone(given).adapt(Xt[:, :2], yt)
    with pytest.raises(InputError, match=r"^source_estimator was fitted on 3 features but X has 2"):
        clone(given).fit(X[:, :2], y)
    named = clone(source).fit(pd.DataFrame(X, columns=list("abc")), y)
    given = clone(method).set_params(source_estimator=FrozenEstimator(named))
    with pytest.raises(InputError, match="in another order, than X_target"):
        clone(given).adapt(pd.DataFrame(Xt, columns=list("cba")), yt)


@everyone
@pytest.mark.parametrize("names", [(-1, 1), ("no", "yes"), (False, True)])
def test_any_two_classes_give_the_same_model(method, source, names):
    if not is_classifier(method):
        pytest.skip("a regressor")
    X, y, Xt, yt = domains(method)
    plain = clone(method).fit(X, y, X_target=Xt, y_target=np.where(np.arange(40) < 20, yt.astype(object), None))
    _, y, _, yt = domains(method, names)
    partly = yt.astype(object)
    partly[20:] = None
    model = clone(method).fit(X, y, X_target=Xt, y_target=partly)
    assert model.classes_.tolist() == list(names)
    np.testing.assert_array_equal(model.predict(Xt), np.array(names)[plain.predict(Xt)])
    adapted = clone(method).fit(X, y).adapt(Xt, partly)
    assert set(adapted.predict(Xt).tolist()) <= set(names)


def test_labels_are_encoded_by_value_and_type():
    assert encode_labels(np.array([3, 1]), np.array([1, 3])).tolist() == [1, 0]
    with pytest.raises(LabelError, match="y_target holds the class '1', which"):
        encode_labels(np.array(["1"]), np.array([1, 3]))


def test_a_learner_of_the_wrong_kind_is_named():
    X, y, _, _ = domains(TransferTree())
    with pytest.raises(InputError, match=r"^estimator=Ridge has no decision_function or predict_proba|classes_"):
        AdaptiveSVM(estimator=Ridge()).fit(X, y)


@pytest.mark.parametrize("method", [TransferTree(), TransferForest(), TransEMDT()], ids=lambda m: type(m).__name__)
def test_a_single_class_is_predicted(method):
    X, _, Xt, _ = domains(method)
    assert set(clone(method).fit(X, np.full(60, "a"), X_target=Xt).predict(Xt)) == {"a"}
