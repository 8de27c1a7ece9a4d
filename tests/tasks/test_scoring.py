"""Scorers: their values are scikit-learn's, they suit the task, and their differences are in the right words."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, get_scorer, make_scorer

from landbridge.exceptions import InputError
from landbridge.tasks import difference_in_words, get_scoring, get_task, scoring_name

X, Y = make_classification(200, 6, n_informative=4, n_classes=3, random_state=0)


@pytest.mark.parametrize("name", ["balanced_accuracy", "f1_macro", "roc_auc_ovr", "neg_log_loss", "matthews_corrcoef"])
def test_kept_predictions_score_as_the_model_does(name):
    model = LogisticRegression(max_iter=500).fit(X[:100], Y[:100])
    found = get_scoring(name, "classification").score(
        Y[100:], model.predict(X[100:]), model.predict_proba(X[100:]), model.classes_
    )
    assert found == pytest.approx(get_scorer(name)(model, X[100:], Y[100:]))


@pytest.mark.parametrize("name", ["neg_root_mean_squared_error", "neg_mean_absolute_error", "r2", "explained_variance"])
def test_kept_values_score_as_the_model_does(name):
    model = Ridge().fit(X[:100, 1:], X[:100, 0])
    found = get_scoring(name, "regression").score(X[100:, 0], model.predict(X[100:, 1:]))
    assert found == pytest.approx(get_scorer(name)(model, X[100:, 1:], X[100:, 0]))


def test_two_classes_by_probability():
    y, p = np.array(["no", "yes", "no", "yes"]), np.array([0.1, 0.4, 0.35, 0.8])
    found = get_scoring("roc_auc", "classification").score(y, y, np.column_stack([1 - p, p]), np.array(["no", "yes"]))
    assert found == pytest.approx(1.0)
    found = get_scoring("roc_auc", "classification").score(y, y, np.column_stack([p, 1 - p]), np.array(["no", "yes"]))
    assert found == pytest.approx(0.0)


def test_a_score_that_is_not_defined_is_nan():
    auc = get_scoring("roc_auc", "classification")
    assert np.isnan(auc.score([1, 1], [1, 0], np.full((2, 2), 0.5), [0, 1]))


@pytest.mark.parametrize(
    ("scoring", "task", "message"),
    [
        ("balanced_acuracy", "classification", "did you mean 'balanced_accuracy'"),
        ("r2", "classification", "made for regression"),
        ("f1", "regression", "made for classification"),
        ("adjusted_rand_score", "classification", "made for clusterings"),
        (f1_score, "classification", "a metric, not a scorer"),
        (3, "classification", "must be the name"),
    ],
)
def test_what_cannot_score_is_refused(scoring, task, message):
    with pytest.raises(InputError, match=message):
        get_scoring(scoring, task)


def test_differences_of_shares_are_points_and_no_others():
    assert difference_in_words(0.031, "accuracy") == "3.1 points"
    assert difference_in_words(-0.031, "roc_auc", sign=True) == "-3.1 points of roc_auc"
    for metric in ("R²", "neg_log_loss", "neg_max_error", "matthews_corrcoef", "my_own"):
        assert difference_in_words(0.5, metric, sign=True) == f"+0.500 {metric}"


def test_the_task_holds_the_scorer():
    task = get_task("classification").with_scoring(make_scorer(f1_score, average="macro"))
    assert task.metric == "f1" and task.is_share and task.score_range == (0.0, 1.0)
    assert task.score_predictions([0, 0, 1], [0, 1, 1]) == pytest.approx(2 / 3)
    assert get_task("classification").metric == "accuracy" and task != get_task("classification")
    assert get_task("classification").with_scoring("accuracy") == get_task("classification")
    assert get_task("regression").with_scoring("neg_median_absolute_error").score_range == (-np.inf, 0.0)
    assert scoring_name(make_scorer(f1_score, greater_is_better=False)) == "neg_f1"
