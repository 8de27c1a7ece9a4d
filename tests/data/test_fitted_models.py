import pickle
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from landbridge.data import is_fitted_model, is_fitted_model_file, read_fitted_model
from landbridge.exceptions import InputError, ReadError, UntrustedModelError
from landbridge.trusted import foreign_types, is_own_type

X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)

MODELS = [
    make_pipeline(StandardScaler(), LogisticRegression()),
    CalibratedClassifierCV(GaussianNB(), cv=2),
    DecisionTreeClassifier(),
    ExtraTreesClassifier(3),
    GradientBoostingClassifier(n_estimators=3),
    HistGradientBoostingClassifier(max_iter=3),
    HistGradientBoostingRegressor(max_iter=3),
    KNeighborsClassifier(),
    LinearDiscriminantAnalysis(),
    MLPClassifier((3,), max_iter=5),
    RandomForestClassifier(3),
    Ridge(),
    SVC(),
    VotingClassifier([("nb", GaussianNB()), ("tree", DecisionTreeClassifier())]),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_a_saved_model_predicts_as_before(model, tmp_path):
    model.fit(X, Y)
    file = tmp_path / "model.skops"
    skops.io.dump(model, file)
    assert is_fitted_model_file(file) and is_fitted_model_file(str(file))
    again = read_fitted_model(file)
    assert is_fitted_model(again)
    assert np.array_equal(again.predict(X), model.predict(X))


@pytest.mark.parametrize("ending", [".pkl", ".joblib", ".pickle"])
def test_a_pickle_is_never_opened(ending, tmp_path):
    file = tmp_path / f"model{ending}"

    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was opened",))

    file.write_bytes(pickle.dumps(Bomb()))
    assert is_fitted_model_file(file)
    with pytest.raises(ReadError, match=r"is a pickle.*skops\.io\.dump"):
        read_fitted_model(file)


def test_a_pickle_named_as_skops_is_never_opened(tmp_path):
    file = tmp_path / "model.skops"
    file.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ReadError, match="is damaged"):
        read_fitted_model(file)


def test_foreign_types_are_refused(tmp_path):
    model = make_pipeline(FunctionTransformer(np.savetxt), LogisticRegression())
    model.steps[1][1].fit(X, Y)
    model.steps[0][1].fit(X)
    file = tmp_path / "model.skops"
    skops.io.dump(model, file)
    with pytest.raises(UntrustedModelError, match="savetxt"):
        read_fitted_model(file)


@pytest.mark.parametrize(
    ("model", "word"),
    [
        (LogisticRegression(), "not fitted"),
        (make_pipeline(StandardScaler(), LogisticRegression()), "not fitted"),
        (StandardScaler().fit(X), "has no predict"),
        (KMeans(2, n_init=1).fit(X), "is a clusterer"),
        ([1, 2], "no scikit-learn model"),
    ],
    ids=lambda m: type(m).__name__,
)
def test_what_is_no_fitted_predictor_is_refused(model, word, tmp_path):
    file = tmp_path / "model.skops"
    skops.io.dump(model, file)
    assert not is_fitted_model(model)
    with pytest.raises(InputError, match=word) as caught:
        read_fitted_model(file)
    assert "\n" not in str(caught.value) and str(file) in str(caught.value)


def test_missing_damaged_and_other_files(tmp_path):
    with pytest.raises(ReadError, match="does not exist"):
        read_fitted_model(tmp_path / "no.skops")
    with pytest.raises(ReadError, match="is no skops file"):
        read_fitted_model(tmp_path / "model.onnx")
    with zipfile.ZipFile(tmp_path / "a.skops", "w") as z:
        z.writestr("schema.json", "{")
    with pytest.raises(ReadError, match="cannot be read as a model"):
        read_fitted_model(tmp_path / "a.skops")
    assert not is_fitted_model_file(tmp_path / "a.csv") and not is_fitted_model_file(X)


@pytest.mark.parametrize("thing", [LogisticRegression, X, "a.skops", None, 3, (X, Y), dict])
def test_what_is_no_model(thing):
    assert not is_fitted_model(thing)


def test_own_types_are_classes_of_landbridge_only():
    assert is_own_type("landbridge.parameter._prior_correction.PriorCorrection")
    assert not is_own_type("landbridge.data._files.read_table")
    assert not is_own_type("landbridge.no_such_module.Thing")
    assert foreign_types(["builtins.eval", "sklearn.tree._tree.Tree"]) == ["builtins.eval"]
