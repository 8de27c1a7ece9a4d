"""Validators as scoring: signs, the target they need, and the models they refuse."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score

from landbridge import make_pipeline, with_target
from landbridge.data import make_shift
from landbridge.exceptions import InputError
from landbridge.feature import CORAL
from landbridge.guard import (
    answer_nuclear_norm,
    as_scoring,
    embedded_validation,
    importance_weighted,
    prediction_entropy,
    reverse_validation,
    soft_neighbourhood_density,
)

rng = np.random.default_rng(0)
X, XT = rng.normal(size=(60, 3)), rng.normal(size=(40, 3))


@pytest.mark.parametrize("validator", [answer_nuclear_norm, prediction_entropy, soft_neighbourhood_density])
def test_validators_of_class_probabilities_refuse_regressors(validator):
    model = with_target(make_pipeline(CORAL(), Ridge()), XT)
    with pytest.raises(InputError, match=rf"{validator.__name__} validates classifiers.*\(Ridge\)") as caught:
        cross_val_score(model, X, X[:, 0], cv=3, scoring=as_scoring(validator), error_score="raise")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("validator", [importance_weighted, embedded_validation, reverse_validation])
def test_the_others_take_regressors(validator):
    model = with_target(make_pipeline(CORAL(), Ridge()), XT)
    scores = cross_val_score(model, X, X[:, 0], cv=3, scoring=as_scoring(validator), error_score="raise")
    assert np.isfinite(scores).all()


def test_risks_are_negated_and_options_passed_on():
    source, target = make_shift("covariate", random_state=0)
    model = with_target(make_pipeline(CORAL(), LogisticRegression()), target.X).fit(source.X, source.y)
    risk = importance_weighted(model.estimator_, source, target, refit=False)
    assert as_scoring(importance_weighted)(model, source.X, source.y) == -risk.value
    density = soft_neighbourhood_density(model.estimator_, source, target, temperature=1.0)
    assert as_scoring(soft_neighbourhood_density, temperature=1.0)(model, source.X, source.y) == density.value


def test_a_model_without_target_is_refused():
    with pytest.raises(InputError, match="with_target"):
        as_scoring(importance_weighted)(LogisticRegression().fit(X, X[:, 0] > 0), X, X[:, 0] > 0)
