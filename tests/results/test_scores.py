"""Scores of the chosen model beside the one that decided."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, recall_score, roc_auc_score

from landbridge import transfer
from landbridge.data import make_shift
from landbridge.report._scores import class_rows, score_rows, scores_in_words
from landbridge.results._scores import calibration_error, class_scores, value_scores

rng = np.random.default_rng(0)


def test_two_classes_are_scored_as_scikit_learn_does():
    y, p = rng.integers(2, size=80), rng.uniform(size=80)
    said = (p > 0.5).astype(int)
    found = class_scores(y, said, np.column_stack([1 - p, p]), np.array([0, 1]))
    assert found["sensitivity"] == pytest.approx(recall_score(y, said))
    assert found["specificity"] == pytest.approx(recall_score(y, said, pos_label=0))
    assert found["auc"] == pytest.approx(roc_auc_score(y, p))
    assert found["brier"] == pytest.approx(brier_score_loss(y, p))
    assert found["calibration_bins"] == 10 and "per_class" not in found


def test_several_classes_have_a_table():
    y, P = rng.integers(3, size=90), rng.dirichlet(np.ones(3), size=90)
    found = class_scores(y, P.argmax(axis=1), P, np.arange(3))
    assert found["auc"] == pytest.approx(roc_auc_score(y, P, multi_class="ovr", average="macro"))
    assert "sensitivity" not in found and [r["class"] for r in found["per_class"]] == [0, 1, 2]
    assert [r["sensitivity"] for r in found["per_class"]] == pytest.approx(recall_score(y, P.argmax(1), average=None))
    assert len(class_rows(found)) == 3


def test_calibration():
    y = np.array([1] * 8 + [0] * 2)
    assert calibration_error(y, np.tile([0.2, 0.8], (10, 1)), np.array([0, 1])) == pytest.approx(0.0)
    assert calibration_error(y, np.tile([0.0, 1.0], (10, 1)), np.array([0, 1])) == pytest.approx(0.2)


def test_undefined_scores_are_none_and_not_shown():
    found = class_scores(np.ones(4), np.ones(4), np.tile([0.1, 0.9], (4, 1)), np.array([0.0, 1.0]))
    assert found["specificity"] is None and found["auc"] is None
    assert not {"AUC", "specificity"} & {name for name, *_ in score_rows(found)}
    assert value_scores(np.ones(3), np.zeros(3))["r2"] is None


def test_the_result_and_its_words():
    source, target = make_shift("translation", n_source=80, n_target=80, random_state=0)
    hidden = transfer(source, target, target_labels="hide", methods=["DomainScaler"], n_jobs=1)
    assert hidden.scores["labels"] == "hidden target labels" and hidden.scores["n"] == 80
    assert hidden.to_dict()["scores"]["accuracy"] == hidden[hidden.decision.chosen].hidden.value
    used = transfer(source, target, methods=["DomainScaler"], n_jobs=1)
    assert "fitted without its label" in used.scores["labels"]
    assert used.scores["accuracy"] == pytest.approx(used[used.decision.chosen].estimate.value, abs=0.05)
    assert scores_in_words(used.scores).count("AUC") == 1
