"""Every result says how good its model will be, whatever labels there are and whatever the shift is."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from landbridge import Domain, transfer
from landbridge.data import make_shift
from landbridge.measurement import Measurement
from landbridge.verbs._expected import describe, held_out_source

pytestmark = pytest.mark.filterwarnings("ignore")
METHODS = ["CORAL", "DomainScaler", "KMM", "GFK"]


@pytest.mark.parametrize("kind", ["label", "covariate", "concept", "translation", "subspace"])
@pytest.mark.parametrize("labels", ["hide", 5, "use"])
def test_every_shift_and_every_regime(kind, labels):
    source, target = make_shift(kind, n_source=150, n_target=150, random_state=0)
    result = transfer(source, target, target_labels=labels, methods=METHODS)
    found = result.expected
    assert 0 <= found.low <= found.value <= found.high <= 1 and found.metric == "accuracy"
    assert found.words.startswith("Expected accuracy") and "\n" not in repr(found)
    truth = (result.predict(target.X) == target.y).mean()
    assert found.low - 0.02 <= truth <= found.high + 0.02


def test_labels_narrow_the_interval():
    source, target = make_shift("subspace", n_source=150, n_target=150, random_state=0)
    width = {}
    for labels in ("hide", "use"):
        found = transfer(source, target, target_labels=labels, methods=METHODS).expected
        width[labels] = found.high - found.low
    assert width["use"] < 0.2 < width["hide"]


def test_few_labels_that_all_agree_do_not_prove_perfection():
    source, target = make_shift("translation", n_source=150, n_target=150, random_state=0)
    found = transfer(source, target, target_labels=5, methods=METHODS).expected
    assert found.n_labelled == 10 and found.low < 0.95


def test_regression_and_clusterings():
    source, target = make_shift("covariate", n_source=120, n_target=100, random_state=0)
    y = source.X @ [1.0, 2.0] + np.random.default_rng(0).normal(size=120)
    found = transfer((source.X, y), target.X, methods=["CORAL"]).expected
    assert found.metric == "R²" and found.low < found.value < found.high <= 1


def test_held_out_predictions_follow_their_samples():
    source, target = make_shift("covariate", n_source=90, n_target=50, random_state=0)
    from sklearn.linear_model import LogisticRegression

    rows, made = held_out_source(LogisticRegression(), source, target, random_state=0)
    assert rows.tolist() == list(dict.fromkeys(rows.tolist())) and len(rows) == 90
    assert made.y.tolist() == source.y[rows].tolist() and made.correct.mean() > 0.6
    some, _ = held_out_source(LogisticRegression(), source, target, random_state=0, every_fold=False)
    assert len(some) == 30
    many = Domain(np.tile(source.X, (30, 1)), np.tile(source.y, 30))
    assert len(held_out_source(LogisticRegression(), many, target, random_state=0)[0]) == 2000


def test_words_name_what_widens_the_interval():
    wide = Measurement("combined", 0.7, 0.4, 0.9)
    text = describe(wide, "accuracy", 0, 0.6, known=True)
    assert "70.0 %" in text and "40.0 to 90.0 %" in text and "60 % of the target samples" in text
    assert "labelled target samples would" in text
    assert "from 30 labelled" in describe(wide, "R²", 30, None, known=True)


def test_a_fitted_model_on_a_target_with_a_rare_class_has_an_expected_accuracy():
    """The run is scored by balanced accuracy, which cannot be estimated from the confidences of a model alone."""
    source, target = make_shift("label", n_source=200, n_target=400, random_state=0)
    rare = np.r_[np.flatnonzero(target.y == 0)[:100], np.flatnonzero(target.y == 1)[:8]]
    model = LogisticRegression().fit(source.X, source.y)
    result = transfer(model, target.take(rare), target_labels="hide")
    assert result.metric == "balanced_accuracy" and result.expected.metric == "accuracy"


def test_a_rare_class_of_the_source_makes_the_estimate_balanced():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [190, 10])
    X, Z = (rng.normal(size=(200, 3)) + 2.0 * y[:, None] for _ in range(2))
    expected = transfer((X, y), Z, methods=["CORAL"]).expected
    assert expected.metric == "balanced accuracy" and "a class of the source is rare" in expected.words


def test_one_sample_of_a_class_is_no_error():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [1, 99])
    result = transfer((rng.normal(size=(100, 3)), y), rng.normal(size=(60, 3)), methods=["CORAL"])
    assert result.decision.chosen == "source-only"
