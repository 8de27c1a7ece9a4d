"""The mean of several runs: as recomputed by hand, under the contract, and with what it says of itself."""

import pickle
from itertools import combinations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import check_estimator

from landbridge import make_pipeline
from landbridge.data import load_builtin, make_shift
from landbridge.feature import DomainScaler
from landbridge.guard._fitting import fit_transfer
from landbridge.neural import Method, NeuralClassifier, NeuralRegressor, SeedAverage, pairwise_agreement
from landbridge.neural.feature import SourceHeads
from landbridge.testing import transfer_checks

PRINTED, WRITTEN = load_builtin("printed"), load_builtin("handwritten")


@pytest.mark.parametrize(
    "estimator",
    [
        SeedAverage(LogisticRegression(), random_state=0),
        SeedAverage(Ridge(), n_seeds=2, random_state=0),
        SeedAverage(LinearSVC(), n_seeds=2, random_state=None),
        SeedAverage(NeuralClassifier(epochs=15), n_seeds=2, random_state=0),
        SeedAverage(NeuralRegressor(epochs=12), n_seeds=2, random_state=0),
    ],
    ids=["classifier", "regressor", "no-probabilities", "network", "network-of-values"],
)
def test_scikit_learn_contract(estimator):
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("inner", [NeuralRegressor(epochs=2), LogisticRegression()])
def test_transfer_contract(inner):
    # over a network that classifies, in tests/test_conformance.py
    for _, check in transfer_checks(SeedAverage(inner, n_seeds=2, random_state=0)):
        check()


@pytest.fixture(scope="module")
def sides():
    return make_shift("concept", n_source=120, n_target=90, random_state=0)


def forest(**how):
    return RandomForestClassifier(n_estimators=3, max_depth=4, **how)


def test_it_is_the_mean_of_runs_that_differ_in_their_seed(sides):
    source, target = sides
    model = SeedAverage(forest(random_state=7), n_seeds=3, random_state=1).fit(source.X, source.y, X_target=target.X)
    seeds = [run.random_state for run in model.estimators_]
    assert len(set(seeds)) == 3
    runs = [forest(random_state=s).fit(source.X, source.y) for s in seeds]
    proba = np.mean([r.predict_proba(target.X) for r in runs], axis=0)
    np.testing.assert_allclose(model.predict_proba(target.X), proba)
    np.testing.assert_array_equal(model.predict(target.X), model.classes_[proba.argmax(axis=1)])
    assert model.score(target.X, target.y) == np.mean(model.predict(target.X) == target.y)
    told = [r.predict(target.X) for r in runs]
    assert model.agreement_ == pytest.approx(np.mean([np.mean(a == b) for a, b in combinations(told, 2)]))
    assert 0.5 < model.agreement_ < 1
    again = clone(model).fit(source.X, source.y, X_target=target.X)
    np.testing.assert_array_equal(again.predict_proba(target.X), model.predict_proba(target.X))
    other = clone(model).set_params(random_state=2).fit(source.X, source.y, X_target=target.X)
    assert not np.array_equal(other.predict_proba(target.X), model.predict_proba(target.X))


def test_values_are_averaged_and_agree_within_a_tenth_of_their_spread(sides):
    source, target = sides
    y = source.X[:, 0] + 0.1 * source.X[:, 1] ** 2
    model = SeedAverage(RandomForestRegressor(n_estimators=2), random_state=0).fit(source.X, y, X_target=target.X)
    runs = [run.predict(target.X) for run in model.estimators_]
    np.testing.assert_allclose(model.predict(target.X), np.mean(runs, axis=0))
    near = [np.mean(np.abs(a - b) <= 0.1 * y.std()) for a, b in combinations(runs, 2)]
    assert model.agreement_ == pytest.approx(np.mean(near)) and 0 < model.agreement_ < 1
    assert not hasattr(model, "predict_proba") and not hasattr(model, "classes_")


def test_without_probabilities_the_most_votes_win():
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    model = SeedAverage(LinearSVC(), random_state=0).fit(X, ["a", "a", "b", "b"])
    assert not hasattr(model, "predict_proba")
    assert model.predict([[0.1], [2.9]]).tolist() == ["a", "b"] and model.agreement_ == 1.0


def test_agreement_by_hand():
    assert pairwise_agreement([[1, 2, 3]]) == 1.0
    assert pairwise_agreement([[1, 2], [1, 3], [1, 4]]) == 0.5
    assert pairwise_agreement([[1.0, 2.0], [1.05, 2.2]], tolerance=0.1) == 0.5


def test_pipelines_within_and_around(sides):
    source, target = sides
    inside = SeedAverage(make_pipeline(DomainScaler(), forest()), n_seeds=2, random_state=0)
    around = make_pipeline(DomainScaler(), SeedAverage(forest(), n_seeds=2, random_state=0))
    network = make_pipeline(
        StandardScaler(), SeedAverage(NeuralClassifier(methods=[Told()], epochs=2), n_seeds=2, random_state=0)
    )
    for model in (inside, around, network):
        fit_transfer(model, source.X, source.y, target.X)
        assert model.predict_proba(target.X).shape == (len(target), 2)
    scaled = DomainScaler().fit(source.X, source.y, X_target=target.X)
    np.testing.assert_array_equal(inside.predict(target.X), around.predict(target.X))
    np.testing.assert_array_equal(around[-1].predict(scaled.transform(target.X)), around.predict(target.X))
    # the target went through the scaler before the networks saw it
    assert abs(network[-1].estimators_[0].methods_[0].mean_) < 5


class Told(Method):
    """Says that runs collapsed as CollapseWatch (a sentence) or as ADDA (a flag and a reason) would."""

    reads_target = True

    def __init__(self, collapsed="", reason=""):
        self.collapsed, self.reason = collapsed, reason

    def loss(self, network, source, target, progress):
        self.mean_ = float(target.inputs.mean())
        return {}

    def finish(self, network):
        self.collapsed_, self.reason_ = self.collapsed, self.reason


def test_collapses_are_told_run_by_run(sides):
    source, target = sides

    def told(method):
        network = NeuralClassifier(methods=[method], epochs=1)
        return SeedAverage(network, n_seeds=2, random_state=0).fit(source.X, source.y, X_target=target.X)

    assert told(Told()).collapsed_ == told(Told(False, "nothing")).collapsed_ == []
    assert told(Told("all one class.")).collapsed_ == ["run 1: all one class.", "run 2: all one class."]
    model = told(Told(True, "at step 5."))
    assert model.collapsed_ == ["run 1: at step 5.", "run 2: at step 5."]
    again = pickle.loads(pickle.dumps(model))
    assert again.collapsed_ == model.collapsed_ and again.agreement_ == model.agreement_
    np.testing.assert_array_equal(again.predict(target.X), model.predict(target.X))


def test_the_mean_beats_its_runs_on_digits():
    source, target = PRINTED.take(range(600)), WRITTEN.take(range(600))
    network = NeuralClassifier("builtin", epochs=5, image_shape=(8, 8), device="cpu")
    model = SeedAverage(network, random_state=0).fit(source.X, source.y, X_target=target.X)
    runs = [run.score(target.X, target.y) for run in model.estimators_]
    assert model.score(target.X, target.y) > np.mean(runs)
    assert 0.4 < model.agreement_ < 0.95


@pytest.mark.parametrize("piped", [False, True])
def test_sources_reach_every_run_that_reads_them(sides, piped):
    source, target = sides
    names = np.array(["b", "a"])[np.arange(len(source)) % 2]
    network = NeuralClassifier(methods=[SourceHeads()], epochs=2)
    model = SeedAverage(make_pipeline(StandardScaler(), network) if piped else network, n_seeds=2, random_state=0)
    model = make_pipeline(StandardScaler(), model) if piped else model
    fit_transfer(model, source.X, source.y, target.X, source_domain=names)
    runs = (model[-1] if piped else model).estimators_
    assert [(r[-1] if piped else r).methods_[0].sources_ for r in runs] == [("a", "b")] * 2
    for plain in (forest(), make_pipeline(DomainScaler(), forest())):  # these know of no sources
        fit_transfer(SeedAverage(plain, n_seeds=2, random_state=0), source.X, source.y, target.X, source_domain=names)


def test_images_are_handed_on_as_they_are():
    X, y = PRINTED.X[:80].reshape(-1, 8, 8), PRINTED.y[:80]
    model = SeedAverage(NeuralClassifier("builtin", epochs=1, device="cpu"), n_seeds=2, random_state=0).fit(
        X, y, X_target=X[:20]
    )
    assert model.predict(X[:5]).shape == (5,) and not hasattr(model, "n_features_in_")


def test_arguments_at_fault_are_named():
    X, y = np.zeros((4, 2)), [0, 0, 1, 1]
    with pytest.raises(ValueError, match="'n_seeds' parameter of SeedAverage"):
        SeedAverage(LogisticRegression(), n_seeds=0, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="'estimator' parameter of SeedAverage"):
        SeedAverage(object(), random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="X_target"):
        SeedAverage(LogisticRegression(), random_state=0).fit(X, y, X_target=[[np.nan, 0.0]])
