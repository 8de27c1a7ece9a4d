import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import is_classifier, is_regressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils import get_tags

from landbridge.base import (
    FeatureTransfer,
    InstanceTransfer,
    TransferTags,
    check_requires,
    fit_weighted,
    split_labelled,
)
from landbridge.exceptions import InputError, LabelError, MissingExtraError
from landbridge.feature import CORAL
from landbridge.instance import ClassifierDensityRatio, TrAdaBoost
from landbridge.parameter import SourcePriorLogistic


@given(st.lists(st.one_of(st.none(), st.integers(0, 3)), min_size=1, max_size=30))
def test_none_marks_what_is_unlabelled(labels):
    rows, told = split_labelled(np.array(labels, dtype=object), len(labels), classes=[0, 1, 2, 3])
    assert rows.tolist() == [i for i, v in enumerate(labels) if v is not None]
    assert told.tolist() == [v for v in labels if v is not None]


@given(st.lists(st.integers(-1, 3), min_size=1, max_size=30))
def test_minus_one_marks_unless_it_is_a_class(labels):
    told = split_labelled(labels, len(labels), classes=[0, 1, 2, 3])[1]
    assert told.tolist() == [v for v in labels if v != -1]
    for kind in (labels, np.array(labels, dtype=float), np.array(labels, dtype=object)):
        assert split_labelled(kind, len(labels), classes=[-1, 0, 1, 2, 3])[1].tolist() == labels
    gaps = np.array([None if v == 0 else v for v in labels], dtype=object)
    assert split_labelled(gaps, len(labels), classes=[-1.0, 0, 1])[1].tolist() == [v for v in labels if v != 0]


def test_masked_labels_are_missing():
    for labels in ([3, 5, 7], [0.5, 1.5, 2.5], ["a", "b", "c"]):
        masked = np.ma.masked_array(labels, mask=[False, True, False])
        rows, told = split_labelled(masked, 3, classes=None if labels[0] == 0.5 else labels)
        assert rows.tolist() == [0, 2] and told.tolist() == [labels[0], labels[2]]


def test_masked_samples_and_source_labels_are_refused():
    X, y = np.random.default_rng(0).normal(size=(8, 2)), np.arange(8) % 2
    masked = np.ma.masked_array(X, mask=X > 1)
    with pytest.raises(InputError, match=r"X is a masked array with .* masked entries; fill or drop them"):
        CORAL().fit(masked, X_target=X)
    with pytest.raises(InputError, match="X_target is a masked array"):
        CORAL().fit(X, X_target=masked)
    with pytest.raises(InputError, match="y is a masked array"):
        CORAL().fit(X, np.ma.masked_array(y, mask=y == 0), X_target=X)
    model = CORAL().fit(np.ma.masked_array(X, mask=False), X_target=X)
    with pytest.raises(InputError, match="X is a masked array"):
        model.transform(masked)


@pytest.mark.parametrize("negative", [-1, -1.0, np.int8(-1)])
def test_minus_and_plus_one_are_classes_like_any_other(negative):
    rng = np.random.default_rng(0)
    X, Xt = rng.normal(size=(60, 2)), rng.normal(size=(40, 2)) + 0.5
    y, yt = (X[:, 0] > 0).astype(int), (Xt[:, 0] > 0).astype(int)
    signs = np.where(y == 1, -negative, negative)
    signs_t = np.where(yt == 1, -negative, negative)
    one = SourcePriorLogistic().fit(X, y, X_target=Xt, y_target=yt)
    other = SourcePriorLogistic().fit(X, signs, X_target=Xt, y_target=signs_t)
    np.testing.assert_allclose(one.predict_proba(Xt), other.predict_proba(Xt))
    assert set(other.predict(Xt)) == {-1, 1}


def test_regression_takes_minus_one_for_a_value():
    rows, told = split_labelled([-1.0, np.nan, 2.5], 3)
    assert rows.tolist() == [0, 2] and told.tolist() == [-1.0, 2.5]


def test_pandas_gaps():
    rows, told = split_labelled(pd.Series(["a", None, "b"], dtype="string"), 3, classes=["a", "b"])
    assert rows.tolist() == [0, 2] and told.tolist() == ["a", "b"]


def test_wrong_length_names_both():
    with pytest.raises(LabelError, match=r"y_target has shape \(2,\) but X_target has 3 samples"):
        split_labelled([0, 1], 3, classes=[0, 1])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (np.ones((3, 2)), "X_target has 2 features but X has 3"),
        (np.array([[np.nan, 0, 0]]), "Input X_target contains NaN"),
        (np.array([[np.inf, 0, 0]]), "Input X_target contains infinity"),
        (np.ones((0, 3)), "X_target"),
    ],
)
def test_bad_targets_are_named(target, message):
    with pytest.raises(ValueError, match=message):
        CORAL().fit(np.random.default_rng(0).normal(size=(10, 3)), X_target=target)


def test_labels_without_rows():
    with pytest.raises(InputError, match="without X_target"):
        CORAL().fit(np.eye(3), y_target=[0, 1, 0])


def test_learners_without_weights_are_refused_by_name():
    X, y = np.eye(4), [0, 1, 0, 1]
    with pytest.raises(InputError, match="KNeighborsClassifier takes no sample_weight"):
        ClassifierDensityRatio(KNeighborsClassifier(1)).fit(X, y, X_target=X)


def test_weights_reach_the_last_step_of_a_pipeline():
    X, y = np.array([[0.0], [1.0], [2.0]]), [0, 1, 1]
    w = np.array([5.0, 1.0, 1.0])
    piped = fit_weighted(make_pipeline(StandardScaler(), LogisticRegression()), X, y, w)
    plain = LogisticRegression().fit(StandardScaler().fit_transform(X), y, sample_weight=w)
    np.testing.assert_allclose(piped[-1].coef_, plain.coef_)


def test_missing_libraries_give_the_line_to_install():
    class Needy:
        transfer_tags = TransferTags("feature", requires=("no_such_library",))

    with pytest.raises(MissingExtraError, match="pip install"):
        check_requires(Needy)


def test_ragged_targets_are_named():
    with pytest.raises(ValueError, match="X_target"):
        CORAL().fit(np.eye(3), X_target=[[1.0, 2.0, 3.0], [1.0]])


def test_targets_given_to_adapt_are_named_too():
    model = SourcePriorLogistic().fit(np.eye(4), [0, 1, 0, 1])
    with pytest.raises(InputError, match="X_target has 2 features but X has 4"):
        model.adapt(np.ones((3, 2)), [0, 1, 0])
    with pytest.raises(ValueError, match="Input X_target contains NaN"):
        model.adapt(np.full((1, 4), np.nan), [0])


def test_classes_that_the_source_does_not_know_are_named():
    with pytest.raises(LabelError, match="class 'c', which y does not have"):
        SourcePriorLogistic().fit(np.eye(2), ["a", "b"], X_target=np.eye(2), y_target=["a", "c"])


def test_numbers_as_text_are_other_classes():
    with pytest.raises(LabelError, match="same spelling and type"):
        SourcePriorLogistic().fit(np.eye(2), [0, 1], X_target=np.eye(2), y_target=np.array(["0", "1"]))


def test_methods_that_need_labels_say_so():
    with pytest.raises(LabelError, match="TrAdaBoost needs y_target: label at least one target sample"):
        TrAdaBoost().fit(np.eye(4), [0, 1, 0, 1], X_target=np.eye(4), y_target=[-1, -1, -1, -1])


class Weigher(InstanceTransfer):
    """Weight the samples as given."""

    transfer_tags = TransferTags("instance")
    weights = (1.0, 3.0, 0.0, 4.0)

    def __init__(self, estimator=None):
        self.estimator = estimator

    def _compute_weights(self, Xs, ys, Xt, yt):
        return np.array(self.weights)


def test_weights_have_mean_one_and_reach_the_estimator():
    X, y = np.arange(4.0).reshape(-1, 1), [0.0, 1.0, 5.0, 2.0]
    model = Weigher(Ridge()).fit(X, y, X_target=X)
    np.testing.assert_allclose(model.source_weights_, [0.5, 1.5, 0.0, 2.0])
    np.testing.assert_allclose(model.predict(X), Ridge().fit(X, y, sample_weight=[0.5, 1.5, 0.0, 2.0]).predict(X))


@pytest.mark.parametrize(("weights", "kept"), [((0, 0, 0, 0), [1, 1, 1, 1]), ((-5, 1, 1, 2), [0, 1, 1, 2])])
def test_weights_without_mass_are_even_and_negative_ones_none(monkeypatch, weights, kept):
    monkeypatch.setattr(Weigher, "weights", weights)
    model = Weigher().fit(np.eye(4), [0, 1, 0, 1], X_target=np.eye(4))
    np.testing.assert_allclose(model.source_weights_, kept)


def test_an_instance_method_is_what_its_estimator_is():
    assert is_classifier(Weigher()) and is_classifier(Weigher(LogisticRegression()))
    assert is_regressor(Weigher(Ridge())) and not hasattr(Weigher(Ridge()), "predict_proba")
    for tags in (get_tags(Weigher(RandomForestClassifier())), get_tags(Weigher(RandomForestRegressor()))):
        assert not tags.target_tags.multi_output
        assert tags.classifier_tags is None or not tags.classifier_tags.multi_label


def test_predictions_are_those_of_the_inner_estimator():
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(30, 2)), rng.random(30)
    y = (X[:, 0] > 0).astype(int)
    model = ClassifierDensityRatio().fit(X, y, X_target=X)
    inner = model.estimator_
    for name in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_array_equal(getattr(model, name)(X), getattr(inner, name)(X))
    assert model.classes_.tolist() == [0, 1]
    assert model.score(X, 1 - y) == 1 - model.score(X, y) == accuracy_score(1 - y, model.predict(X))
    assert model.score(X, y, w) == model.score(X, y, sample_weight=w) == inner.score(X, y, w)
    value = ClassifierDensityRatio(Ridge()).fit(X, X[:, 0], X_target=X)
    assert value.score(X, y, w) == pytest.approx(value.estimator_.score(X, y, w))
    assert not hasattr(value, "classes_") and not hasattr(value, "predict_log_proba")
    assert not hasattr(ClassifierDensityRatio(SVC()), "predict_proba")


def test_a_search_is_scored_by_accuracy_whatever_it_searched_by():
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, scoring="neg_log_loss", cv=2)
    assert 0.0 <= ClassifierDensityRatio(search).fit(X, y, X_target=X).score(X, y) <= 1.0


def test_metadata_are_requested_that_fit_takes():
    class Paired(Recorder):
        """Take pairs, too."""

        def fit(self, X, y=None, *, X_target=None, y_target=None, pairs=None):
            return super().fit(X, y, X_target=X_target, y_target=y_target)

    requests = Paired().get_metadata_routing().fit.requests
    assert requests == {"X_target": True, "y_target": True, "pairs": True}
    assert Recorder().get_metadata_routing().fit.requests == {"X_target": True, "y_target": True}


def test_whole_numbers_in_regression_are_not_taken_for_classes():
    X = np.arange(30.0).reshape(-1, 1)
    values, unseen = np.resize([20, 30, 40], 30), np.resize([25, 35], 30)
    model = Weigher(Ridge())
    model.weights = np.ones(30)
    assert model.fit(X, values, X_target=X, y_target=unseen).predict(X).shape == (30,)
    ages = np.arange(21, 51)
    Recorder().fit(X, ages, X_target=X, y_target=ages + 100)
    with pytest.raises(LabelError, match="'100', which y does not have"):
        Recorder().fit(X, values, X_target=X, y_target=np.full(30, 100))


class Recorder(FeatureTransfer):
    """Keep what arrives."""

    transfer_tags = TransferTags("feature", reads=frozenset({"X_target", "y_target"}))

    def _fit(self, Xs, ys, Xt, yt):
        self.seen_ = Xs, ys, Xt, yt

    def _map_source(self, X):
        return X[:, :1]

    def _map_target(self, X):
        return -X[:, :1]


def test_the_template_hands_over_one_label_a_target_row():
    X, Xt = np.eye(3), np.ones((4, 3))
    model = Recorder().fit(X, ["a", "b", "a"], X_target=Xt, y_target=["b", None, None, "a"])
    assert model.seen_[3].tolist() == ["b", None, None, "a"]
    value = Recorder().fit(X, [0.1, 0.2, 0.3], X_target=Xt, y_target=[0.5, np.nan, np.nan, -1.0]).seen_[3]
    np.testing.assert_array_equal(value, [0.5, np.nan, np.nan, -1.0])
    assert Recorder().fit(X, ["a", "b", "a"], X_target=Xt, y_target=[None] * 4).seen_[3] is None
    np.testing.assert_array_equal(Recorder().fit(X).seen_[2], X)  # the source is its own target


def test_the_two_maps_are_kept_apart():
    X = np.arange(6.0).reshape(2, 3)
    model = Recorder()
    np.testing.assert_array_equal(model.fit_transform(X, X_target=X + 1), X[:, :1])
    np.testing.assert_array_equal(model.transform(X), -X[:, :1])
    assert model.get_feature_names_out().tolist() == ["recorder0"]
