"""Fabricated trials of a classification with two classes."""

import numpy as np
import pytest

from landbridge.guard import EvidenceKind, Trial
from landbridge.measurement import Measurement

N = 100


def _fabricate(name, predicted, *, role="candidate", reverse=None, certainty=0.9, **fields):
    predicted = np.asarray(predicted)
    classes = np.arange(max(2, int(predicted.max()) + 1))
    proba = np.full((len(predicted), len(classes)), (1 - certainty) / (len(classes) - 1))
    proba[np.arange(len(predicted)), predicted] = certainty
    evidence = {} if reverse is None else {EvidenceKind.REVERSE_VALIDATION: Measurement("reverse", reverse)}
    family = "feature" if role == "candidate" else "baseline"
    given = {"predicted": predicted, "proba": proba, "classes": classes, "evidence": evidence} | fields
    return Trial(name, family, role=role, **given)


@pytest.fixture
def fabricate():
    """A classification trial with the given predictions, all of the same certainty."""
    return _fabricate


@pytest.fixture
def labels():
    """The source model's predictions: two classes in turn."""
    return np.arange(N) % 2


@pytest.fixture
def flip(labels):
    """The source model's predictions with those from one index to another changed."""

    def change(start, stop):
        out = labels.copy()
        out[start:stop] = 1 - out[start:stop]
        return out

    return change


@pytest.fixture
def variants():
    """The same labels once per name, each with two changed samples of its own: agreeing methods that are no twins."""

    def make(predicted, names="ABCD", **fields):
        trials = []
        for i, name in enumerate(names):
            own = np.array(predicted)
            own[60 + 2 * i : 62 + 2 * i] = 1 - own[60 + 2 * i : 62 + 2 * i]
            trials.append(_fabricate(name, own, **fields))
        return trials

    return make


@pytest.fixture
def source_only(labels):
    """The source model."""
    return _fabricate("source-only", labels, role="source-only")
