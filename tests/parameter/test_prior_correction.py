import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from landbridge.data import make_shift, read_pair, shared_data
from landbridge.exceptions import InputError
from landbridge.instance import BBSE, MLLS
from landbridge.numerics.label_shift import em_priors
from landbridge.parameter import PriorCorrection, class_shares, log_ratio_from_shares
from landbridge.parameter._source_statistics import source_features


def learner():
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def gains(make, X, y, X_target, y_target):
    """Gain of the better method with source samples, and of the correction of the fitted model alone."""
    fitted = make().fit(X, y)
    before = fitted.score(X_target, y_target)
    with_samples = [m(make()).fit(X, y, X_target=X_target).score(X_target, y_target) for m in (BBSE, MLLS)]
    return max(with_samples) - before, PriorCorrection(fitted).adapt(X_target).score(X_target, y_target) - before


@pytest.mark.parametrize(("noise", "n_classes"), [(None, 2), (1.2, 2), (1.2, 3)])
def test_at_least_half_of_what_source_samples_gain_under_label_shift(noise, n_classes):
    pairs = [make_shift("label", noise=noise, n_classes=n_classes, random_state=seed) for seed in range(6)]
    found = np.array([gains(learner, s.X, s.y, t.X, t.y) for s, t in pairs]).mean(axis=0)
    assert found[0] > 0.005
    assert found[1] >= 0.8 * found[0]


def heart():
    files = [shared_data(f"heart_{place}.csv") for place in ("cleveland", "hungarian")]
    if any(f is None for f in files):
        pytest.skip("the heart tables are not in the shared data folder; set LANDBRIDGE_DATA")
    source, target, _ = read_pair(*files, label="num>0")
    return source.X, (source.y == "num>0").astype(int), target.X, (target.y == "num>0").astype(int)


def resampled(X, y, shares, seed):
    """Two halves of a table with these shares of the second class."""
    rng = np.random.default_rng(seed)
    order, sides = rng.permutation(len(y)), []
    for rows, share in zip((order[: len(y) // 2], order[len(y) // 2 :]), shares, strict=True):
        ones, zeros = rows[y[rows] == 1], rows[y[rows] == 0]
        n = min(len(ones) / share, len(zeros) / (1 - share))
        kept = np.concatenate([ones[: int(n * share)], zeros[: int(n * (1 - share))]])
        sides += [X[kept], y[kept]]
    return sides


@pytest.mark.data
@pytest.mark.parametrize("shares", [(0.2, 0.8), (0.8, 0.2), (0.3, 0.7)])
def test_at_least_half_of_what_source_samples_gain_on_heart_disease(shares):
    X, y, _, _ = heart()
    found = np.array([gains(learner, *resampled(X, y, shares, seed)) for seed in range(6)]).mean(axis=0)
    assert found[0] > 0.03
    assert found[1] >= 0.5 * found[0]


@pytest.mark.data
def test_no_harm_where_feature_means_contradict_label_shift():
    X, y, X_target, y_target = heart()
    fitted = learner().fit(X, y)
    model = PriorCorrection(fitted).adapt(X_target)
    assert model.explained_shift_ < 0.1
    assert model.score(X_target, y_target) >= fitted.score(X_target, y_target) - 0.01
    unchecked = PriorCorrection(fitted, check_shift=False).adapt(X_target)
    assert unchecked.score(X_target, y_target) < fitted.score(X_target, y_target) - 0.02


@pytest.mark.parametrize("seed", range(4))
def test_source_shares_from_the_means_of_a_scaler(seed):
    source, target = make_shift("label", noise=1.2, random_state=seed)
    model = PriorCorrection(learner().fit(source.X, source.y)).adapt(target.X)
    assert model.priors_from_ == "features"
    assert model.source_priors_[1] == pytest.approx(0.2, abs=0.05)
    assert model.target_priors_[1] == pytest.approx(0.8, abs=0.08)
    assert model.explained_shift_ > 0.9


@pytest.mark.parametrize(
    "model",
    [
        GaussianNB(),
        LinearDiscriminantAnalysis(),
        DecisionTreeClassifier(max_depth=3, random_state=0),
        GradientBoostingClassifier(n_estimators=5, random_state=0),
        HistGradientBoostingClassifier(max_iter=5, random_state=0),
        KNeighborsClassifier(),
        DummyClassifier(),
        make_pipeline(StandardScaler(), GaussianNB()),
        GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9]}, cv=2),
    ],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_shares_that_a_model_stores(model, n_classes):
    source, _ = make_shift("label", n_classes=n_classes, random_state=0)
    shares = class_shares(model.fit(source.X, source.y))
    assert shares == pytest.approx(np.bincount(source.y) / len(source.y), abs=1e-3)


def test_shares_of_a_forest_and_with_balanced_weights():
    source, _ = make_shift("label", random_state=0)
    shares = class_shares(RandomForestClassifier(30, random_state=0).fit(source.X, source.y))
    assert shares == pytest.approx([0.8, 0.2], abs=0.02)
    balanced = LogisticRegression(class_weight="balanced").fit(source.X, source.y)
    assert class_shares(balanced).tolist() == [0.5, 0.5]
    assert class_shares(LogisticRegression().fit(source.X, source.y)) is None


@pytest.mark.parametrize("model", [GaussianNB(), LogisticRegression(class_weight="balanced")])
def test_known_shares_correct_the_model(model):
    source, target = make_shift("label", noise=1.2, random_state=0)
    fitted = make_pipeline(StandardScaler(), model).fit(source.X, source.y)
    corrected = PriorCorrection(fitted).adapt(target.X)
    assert corrected.priors_from_ == "model"
    assert corrected.target_priors_[1] == pytest.approx(0.8, abs=0.08)
    assert corrected.score(target.X, target.y) > fitted.score(target.X, target.y)


def test_without_a_prior_it_is_expectation_maximisation():
    source, target = make_shift("label", noise=1.2, n_classes=3, random_state=1)
    proba = GaussianNB().fit(source.X, source.y).predict_proba(target.X)
    shares = np.bincount(source.y) / len(source.y)
    new = shares * np.exp(log_ratio_from_shares(np.log(proba), shares, 0.0))
    assert new / new.sum() == pytest.approx(em_priors(proba, shares), abs=1e-3)


def test_shares_that_cannot_be_identified_are_refused():
    source, target = make_shift("label", noise=1.2, random_state=0)
    fitted = LogisticRegression().fit(source.X, source.y)
    with pytest.raises(InputError, match=r"give source_priors, one share per class in the order \[0, 1\]"):
        PriorCorrection(fitted).adapt(target.X)
    given = PriorCorrection(fitted, source_priors=[0.8, 0.2]).adapt(target.X)
    assert given.priors_from_ == "parameter"
    assert given.target_priors_[1] == pytest.approx(0.8, abs=0.08)
    told = np.full(len(target.y), None, dtype=object)
    rows = np.concatenate([np.flatnonzero(target.y == c)[:30] for c in (0, 1)])  # their own shares are equal
    told[rows] = target.y[rows]
    labelled = PriorCorrection(fitted).adapt(target.X, told)
    assert labelled.priors_from_ == "labels"
    assert labelled.score(target.X, target.y) > fitted.score(target.X, target.y) + 0.05


@pytest.mark.parametrize("priors", [[1.0], [0.5, 0.0], [0.5, np.nan]])
def test_wrong_shares_are_refused(priors):
    source, target = make_shift("label", random_state=0)
    with pytest.raises(InputError, match="source_priors must hold one positive share per class"):
        PriorCorrection(learner().fit(source.X, source.y), source_priors=priors).adapt(target.X)


def test_a_model_without_probabilities_is_refused():
    source, target = make_shift("label", random_state=0)
    with pytest.raises(InputError, match="SVC has no predict_proba, which PriorCorrection needs"):
        PriorCorrection(SVC().fit(source.X, source.y)).adapt(target.X)


def test_few_samples_and_equal_shares_change_little():
    source, target = make_shift("label", severity=0.0, noise=1.5, random_state=0)
    fitted = learner().fit(source.X, source.y)
    for n in (1, 2, 5, 400):
        model = PriorCorrection(fitted).adapt(target.X[:n])
        assert np.isfinite(model.predict_proba(target.X)).all()
        assert model.score(target.X, target.y) > fitted.score(target.X, target.y) - 0.03


def test_calibration_undoes_the_penalty():
    source, target = make_shift("label", severity=0.0, noise=1.2, n_source=2000, n_target=2000, random_state=0)
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=0.002)).fit(source.X, source.y)
    free = make_pipeline(StandardScaler(), LogisticRegression(C=1e6)).fit(source.X, source.y)
    model = PriorCorrection(fitted).adapt(target.X)
    assert model.slope_ == pytest.approx(np.linalg.norm(free[-1].coef_) / np.linalg.norm(fitted[-1].coef_), rel=0.15)


@pytest.mark.parametrize(
    "model",
    [
        learner(),
        make_pipeline(StandardScaler(with_mean=False), GaussianNB()),
        GaussianNB(),
        DecisionTreeClassifier(max_depth=3, random_state=0),
        HistGradientBoostingClassifier(max_iter=10, random_state=0),
        GradientBoostingClassifier(n_estimators=10, random_state=0),
    ],
    ids=lambda m: type(m).__name__,
)
def test_source_features_have_mean_zero_and_variance_one_on_the_source(model):
    source, _ = make_shift("label", noise=1.2, random_state=0)
    features = source_features(model.fit(source.X, source.y), source.X)
    assert np.abs(features.Z.mean(axis=0)).max() < 1e-6
    assert np.abs(features.Z.std(axis=0) - 1).max() < 1e-6
    assert features.n_source == pytest.approx(400, abs=1)
