"""What is masked is missing: no verb, method or score takes the data under a mask for a value."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import landbridge
from landbridge import Domain, discrepancy, make_pipeline, transferability, with_source, with_target
from landbridge.data import make_shift
from landbridge.exceptions import InputError
from landbridge.feature import CORAL
from landbridge.instance import KMM, SourcePooling
from landbridge.performance import Predictions

FEW = {"n_permutations": 5, "n_bootstrap": 5}
QUICK = {"methods": ["CORAL"], "n_jobs": 1}


def masked(values, hidden=-9999):
    values = np.ma.array(values, copy=True)
    values[(3, 0) if values.ndim == 2 else 3] = hidden
    values[(3, 0) if values.ndim == 2 else 3] = np.ma.masked
    return values


@pytest.fixture(scope="module")
def data():
    source, target = make_shift("concept", n_source=60, n_target=60, random_state=0)
    return source.X, source.y, target.X, target.y


@pytest.fixture(scope="module")
def result(data):
    Xs, ys, Xt, _ = data
    return landbridge.transfer((Xs, ys), Xt, **QUICK)


def _pipeline():
    return make_pipeline(StandardScaler(), CORAL(), LogisticRegression())


VERBS = {
    "measure, source": lambda Xs, ys, Xt, yt, r: landbridge.measure((masked(Xs), ys), Xt, **FEW),
    "measure, target": lambda Xs, ys, Xt, yt, r: landbridge.measure((Xs, ys), masked(Xt), **FEW),
    "transfer, source": lambda Xs, ys, Xt, yt, r: landbridge.transfer((masked(Xs), ys), Xt, **QUICK),
    "transfer, target": lambda Xs, ys, Xt, yt, r: landbridge.transfer((Xs, ys), (masked(Xt), yt), **QUICK),
    "transfer, between": lambda Xs, ys, Xt, yt, r: landbridge.transfer(
        (Xs, ys), Xt, intermediate_domains=[masked(Xt)], n_jobs=1
    ),
    "transfer, model": lambda Xs, ys, Xt, yt, r: landbridge.transfer(
        LogisticRegression().fit(Xs, ys), (masked(Xt), yt), n_jobs=1
    ),
    "rank, source": lambda Xs, ys, Xt, yt, r: landbridge.rank({"a": (masked(Xs), ys)}, (Xt, yt), **FEW),
    "rank, target": lambda Xs, ys, Xt, yt, r: landbridge.rank({"a": (Xs, ys)}, (masked(Xt), yt), **FEW),
    "rank, features": lambda Xs, ys, Xt, yt, r: landbridge.rank({"a": masked(Xt)}, (Xt, yt), **FEW),
    "estimate, target": lambda Xs, ys, Xt, yt, r: landbridge.estimate(r, masked(Xt)),
    "estimate, labelled": lambda Xs, ys, Xt, yt, r: landbridge.estimate(r, (masked(Xt), yt)),
    "estimate, source": lambda Xs, ys, Xt, yt, r: landbridge.estimate(r, Xt, source=(masked(Xs), ys)),
    "estimate, model": lambda Xs, ys, Xt, yt, r: landbridge.estimate(LogisticRegression().fit(Xs, ys), masked(Xt)),
    "predict": lambda Xs, ys, Xt, yt, r: r.predict(masked(Xt)),
    "predict, list": lambda Xs, ys, Xt, yt, r: r.predict(list(masked(Xt))),
    "predict_proba": lambda Xs, ys, Xt, yt, r: r.predict_proba(masked(Xt)),
}
METHODS = {
    "fit": lambda Xs, ys, Xt, yt: _pipeline().fit(masked(Xs), ys, X_target=Xt),
    "fit, labels": lambda Xs, ys, Xt, yt: _pipeline().fit(Xs, masked(ys, 7), X_target=Xt),
    "fit, target": lambda Xs, ys, Xt, yt: _pipeline().fit(Xs, ys, X_target=masked(Xt)),
    "fit_transform": lambda Xs, ys, Xt, yt: make_pipeline(CORAL()).fit_transform(masked(Xs), ys, X_target=Xt),
    "predict": lambda Xs, ys, Xt, yt: _pipeline().fit(Xs, ys, X_target=Xt).predict(masked(Xt)),
    "predict_proba": lambda Xs, ys, Xt, yt: _pipeline().fit(Xs, ys, X_target=Xt).predict_proba(masked(Xt)),
    "decision": lambda Xs, ys, Xt, yt: _pipeline().fit(Xs, ys, X_target=Xt).decision_function(masked(Xt)),
    "score": lambda Xs, ys, Xt, yt: _pipeline().fit(Xs, ys, X_target=Xt).score(Xt, masked(yt, 7)),
    "transform": lambda Xs, ys, Xt, yt: make_pipeline(CORAL()).fit(Xs, ys, X_target=Xt).transform(masked(Xt)),
    "bound target": lambda Xs, ys, Xt, yt: with_target(CORAL(), masked(Xt)).fit(Xs, ys),
    "bound source": lambda Xs, ys, Xt, yt: with_source(KMM(), masked(Xs), ys).fit(Xt, yt),
    "query": lambda Xs, ys, Xt, yt: with_target(KMM(), Xt).fit(Xs, ys).predict(masked(Xt)),
    "method": lambda Xs, ys, Xt, yt: KMM().fit(Xs, ys, X_target=Xt).predict(masked(Xt)),
    "mmd": lambda Xs, ys, Xt, yt: discrepancy.mmd(masked(Xs), Xt),
    "label shift": lambda Xs, ys, Xt, yt: discrepancy.label_shift(Xs, masked(ys, 7), Xt),
    "logme": lambda Xs, ys, Xt, yt: transferability.logme(features=masked(Xt), target_labels=yt),
    "predictions": lambda Xs, ys, Xt, yt: Predictions(masked(yt, 7), np.full(60, 0.9)),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_verbs_refuse_masked_samples(data, result, verb):
    with pytest.raises(InputError, match="masked") as caught:
        verb(*data, result)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("call", METHODS.values(), ids=METHODS)
def test_methods_refuse_what_is_masked(data, call):
    with pytest.raises(InputError, match="masked"):
        call(*data)


def test_masked_target_labels_are_missing(data, result):
    Xs, ys, Xt, yt = data
    found = landbridge.transfer((Xs, ys), (Xt, masked(yt, 7)), **QUICK)
    assert found.settings["n_target_labelled"] == 59
    assert landbridge.estimate(result, (Xt, masked(yt, 7))).n_labelled == 59
    model = LogisticRegression().fit(Xs, ys)
    assert landbridge.transfer(model, (Xt, masked(yt, 7)), n_jobs=1).settings["n_target_labelled"] == 59
    _pipeline().fit(Xs, ys, X_target=Xt, y_target=masked(yt, 7))


def test_scores_refuse_missing_labels(data):
    _, _, Xt, yt = data
    with pytest.raises(InputError, match="missing"):
        transferability.h_score(features=Xt, target_labels=masked(yt, 7))


def test_a_masked_source_is_refused(data):
    Xs, ys, Xt, _ = data
    with pytest.raises(InputError, match="missing"):
        SourcePooling().fit(Xs, ys, X_target=Xt, source_domain=masked(np.arange(60) % 3))


def test_masks_that_hide_nothing_are_no_masks(data, result):
    _, _, Xt, yt = data
    np.testing.assert_array_equal(result.predict(np.ma.array(Xt)), result.predict(Xt))
    assert Domain(np.ma.array(Xt), np.ma.array(yt)).regime == "labelled"
