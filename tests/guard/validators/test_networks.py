"""Validators take networks: density ratios in the features of the head, predictions as of any other model."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV

from landbridge import with_target
from landbridge.data import load_builtin
from landbridge.guard import (
    answer_nuclear_norm,
    as_scoring,
    embedded_validation,
    importance_weighted,
    prediction_entropy,
    reverse_validation,
    soft_neighbourhood_density,
)
from landbridge.guard.validators._importance_weighted import source_losses_and_weights
from landbridge.neural import NeuralClassifier
from landbridge.neural.feature import MCC

SOURCE, TARGET = load_builtin("printed").take(range(300)), load_builtin("handwritten").take(range(300))


def network(**how):
    return NeuralClassifier("builtin", epochs=2, image_shape=(8, 8), random_state=0, **how)


@pytest.fixture(scope="module")
def fitted():
    return network().fit(SOURCE.X, SOURCE.y, X_target=TARGET.X)


@pytest.mark.parametrize(
    "validator",
    [
        importance_weighted,
        embedded_validation,
        reverse_validation,
        soft_neighbourhood_density,
        answer_nuclear_norm,
        prediction_entropy,
    ],
)
def test_every_validator_takes_a_network(fitted, validator):
    assert np.isfinite(float(validator(fitted, SOURCE, TARGET)))


def test_density_ratios_are_estimated_in_the_features_of_the_head(fitted):
    class Stub(ClassifierMixin, BaseEstimator):
        """The same answers, but no features to look at."""

        def __init__(self, model):
            self.predict, self.classes_ = model.predict, model.classes_

    losses, weights = source_losses_and_weights(fitted, SOURCE, TARGET, refit=False)
    same, raw = source_losses_and_weights(Stub(fitted), SOURCE, TARGET, refit=False)
    assert np.array_equal(losses, same)
    # pixels separate the domains perfectly, so that all weights vanish; in features some samples overlap
    assert weights.mean() > 2 * raw.mean()


def test_a_validator_chooses_the_strength_of_a_method():
    choices = [[MCC(1e-6)], [MCC(1.0)]]
    model = with_target(network(), TARGET.X)
    search = GridSearchCV(model, {"methods": choices}, scoring=as_scoring(answer_nuclear_norm), cv=2)
    search.fit(SOURCE.X, SOURCE.y)
    weak, strong = search.cv_results_["mean_test_score"]
    assert strong > weak and search.best_params_["methods"][0].strength == 1.0


def test_embedding_is_what_the_head_answers_from(fitted):
    E = fitted.embed(TARGET.X[:7])
    assert E.shape == (7, fitted.network_.in_features) and E.dtype == np.float64
    head = fitted.network_.head
    logits = E @ head.weight.detach().double().numpy().T + head.bias.detach().double().numpy()
    assert np.array_equal(fitted.classes_[logits.argmax(axis=1)], fitted.predict(TARGET.X[:7]))
