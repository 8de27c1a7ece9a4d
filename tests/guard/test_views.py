"""Views of fitted models: probabilities of any classifier, in any order of classes, and what is refused."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import NearestCentroid
from sklearn.svm import SVC

from landbridge import make_pipeline
from landbridge.exceptions import InputError
from landbridge.feature import CORAL
from landbridge.guard import common_space, in_class_order, predict_source, probabilities
from landbridge.guard._views import check_classifier

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(30, 2)), np.arange(30) % 3


def test_probabilities_from_what_a_model_has():
    proba = LogisticRegression().fit(X, Y)
    np.testing.assert_array_equal(probabilities(proba, X), proba.predict_proba(X))
    binary = SVC().fit(X, Y % 2)
    np.testing.assert_allclose(probabilities(binary, X)[:, 1], expit(2 * binary.decision_function(X)))
    many = probabilities(SVC().fit(X, Y), X)
    assert many.shape == (30, 3) and np.allclose(many.sum(axis=1), 1)

    class Hard:
        classes_ = np.array([0, 2])

        def predict(self, X):
            return np.full(len(X), 2)

    assert probabilities(Hard(), X[:1]).tolist() == [[0.0, 1.0]]


def test_probabilities_and_predictions_of_source_samples_take_the_source_map():
    model = make_pipeline(CORAL(center=True), LogisticRegression()).fit(X, Y, X_target=3 * X + 1)
    Zs, Zt = common_space(model, X, 3 * X + 1)
    np.testing.assert_array_equal(predict_source(model, X), model[-1].predict(Zs))
    np.testing.assert_array_equal(probabilities(model, X, side="source"), model[-1].predict_proba(Zs))
    np.testing.assert_array_equal(probabilities(model, 3 * X + 1), model[-1].predict_proba(Zt))


def test_class_order():
    p = np.array([[0.7, 0.3]])
    assert in_class_order(p, np.array([0, 1]), np.array([0, 1])) is p
    assert in_class_order(p, np.array([1, 2]), np.array([0, 1, 2])).tolist() == [[0.0, 0.7, 0.3]]
    assert in_class_order(p, np.array([1, 9]), np.array([1])).tolist() == [[0.7]]


def test_regressors_are_refused_in_one_line():
    check_classifier(NearestCentroid(), "a validator")
    for model in (Ridge(), make_pipeline(CORAL(), Ridge())):
        with pytest.raises(InputError, match=r"a validator .* regressor \(Ridge\); use importance_weighted") as caught:
            check_classifier(model, "a validator")
        assert "\n" not in str(caught.value)
