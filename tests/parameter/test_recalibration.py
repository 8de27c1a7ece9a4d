import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from landbridge.data import make_shift
from landbridge.exceptions import InputError
from landbridge.parameter import AdaptiveSVM, Recalibration, SourcePriorLogistic, recalibration_map, shift_and_scale
from landbridge.testing import check_transfer_estimator

pytestmark = pytest.mark.filterwarnings("ignore")


def labelled(y, k, seed):
    """Labels of k samples of each class, and the other samples."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([rng.permutation(np.flatnonzero(y == c))[:k] for c in np.unique(y)])
    given = np.full(len(y), None, dtype=object)
    given[rows] = y[rows]
    return given, np.setdiff1d(np.arange(len(y)), rows)


def fit(source):
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(source.X, source.y)


@pytest.mark.parametrize("method", ["temperature", "bcts", "vector"])
def test_without_labels_it_is_the_source_model(method):
    source, target = make_shift("concept", random_state=0)
    fitted = fit(source)
    model = Recalibration(fitted, method=method).adapt(target.X)
    assert np.allclose(model.predict_proba(target.X), fitted.predict_proba(target.X))
    assert (model.predict(target.X) == fitted.predict(target.X)).all()


@pytest.mark.parametrize("k", [3, 5])
def test_a_few_labels_do_not_hurt_where_nothing_shifted(k):
    losses = []
    for seed in range(10):
        source, target = make_shift("label", severity=0.0, noise=1.5, random_state=seed)
        fitted = fit(source)
        given, rest = labelled(target.y, k, seed)
        model = Recalibration(fitted).adapt(target.X, given)
        losses.append(fitted.score(target.X[rest], target.y[rest]) - model.score(target.X[rest], target.y[rest]))
    assert np.mean(losses) < 0.01


def test_five_labels_per_class_gain_at_least_half_of_what_source_samples_gain():
    found = []
    for seed in range(6):
        source, target = make_shift("concept", random_state=seed)
        fitted = fit(source)
        given, rest = labelled(target.y, 5, seed)
        X, y = target.X[rest], target.y[rest]
        models = [
            m.fit(source.X, source.y, X_target=target.X, y_target=given) for m in (SourcePriorLogistic(), AdaptiveSVM())
        ]
        alone = Recalibration(fitted).adapt(target.X, given)
        found.append([max(m.score(X, y) for m in models) - fitted.score(X, y), alone.score(X, y) - fitted.score(X, y)])
    with_samples, without = np.mean(found, axis=0)
    assert without > 0.1
    assert without >= 0.5 * with_samples


@pytest.mark.parametrize("model", [SVC(), RidgeClassifier(), RandomForestClassifier(20, random_state=0)])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_any_classifier(model, n_classes):
    source, target = make_shift("label", noise=1.2, n_classes=n_classes, random_state=0)
    fitted = model.fit(source.X, source.y)
    given, rest = labelled(target.y, 10, 0)
    adapted = Recalibration(fitted).adapt(target.X, given)
    assert adapted.score(target.X[rest], target.y[rest]) >= fitted.score(target.X[rest], target.y[rest])
    assert np.allclose(adapted.predict_proba(target.X).sum(axis=1), 1.0)


def test_temperature_never_changes_the_class():
    source, target = make_shift("concept", random_state=0)
    fitted = fit(source)
    model = Recalibration(fitted, method="temperature").adapt(target.X, labelled(target.y, 20, 0)[0])
    assert model.slope_[0] < 1  # the model is too confident
    assert (model.predict(target.X) == fitted.predict(target.X)).all()


def test_vector_scaling_finds_slopes_of_its_own():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3000, 3)) * 2
    logits -= logits.mean(axis=1, keepdims=True)
    true = logits * [0.5, 1.0, 2.0]
    codes = np.array([rng.choice(3, p=p) for p in np.exp(true) / np.exp(true).sum(axis=1, keepdims=True)])
    log_proba = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    slope, _ = recalibration_map(log_proba, codes, method="vector")
    assert slope == pytest.approx([0.5, 1.0, 2.0], abs=0.2)


def test_a_strong_prior_keeps_the_source():
    source, target = make_shift("concept", random_state=0)
    fitted = fit(source)
    model = Recalibration(fitted, prior_strength=1e6).adapt(target.X, labelled(target.y, 5, 0)[0])
    assert np.allclose(model.predict_proba(target.X), fitted.predict_proba(target.X), atol=0.01)


@pytest.mark.parametrize("n", [1, 3, 10])
def test_values_of_another_level_and_scale(n):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    fitted = LinearRegression().fit(X, X @ [1.0, 2.0])
    y = 3 * (X @ [1.0, 2.0]) + 50 + 0.1 * rng.normal(size=100)
    model = Recalibration(fitted).adapt(X, np.where(np.arange(100) < n, y, np.nan))
    before = np.abs(fitted.predict(X[n:]) - y[n:]).mean()
    assert np.abs(model.predict(X[n:]) - y[n:]).mean() < (0.15 if n < 10 else 0.01) * before


def test_values_without_shift_are_left_nearly_alone():
    errors = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        m = rng.normal(size=200)
        y = m + 0.5 * rng.normal(size=200)
        shift, scale = shift_and_scale(m[:3], y[:3], float(m.std()))
        errors.append(np.mean((scale * m + shift - y) ** 2) / np.mean((m - y) ** 2))
    assert np.median(errors) < 1.02
    assert np.mean(errors) < 1.3


def test_text_for_a_regressor_is_refused():
    X = np.arange(10.0)[:, None]
    with pytest.raises(InputError, match="y_target holds text"):
        Recalibration(LinearRegression().fit(X, X[:, 0])).adapt(X, ["a"] * 10)


def test_over_a_regressor_the_contract_holds():
    check_transfer_estimator(Recalibration(estimator=LinearRegression()), sklearn_checks=False)
