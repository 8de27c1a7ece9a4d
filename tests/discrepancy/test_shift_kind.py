"""The diagnosis: which shift, how strong, how dangerous, in which words."""

import json

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer

from landbridge import Domain
from landbridge.data import load_builtin, make_shift, shared_data
from landbridge.discrepancy import (
    SHIFTS,
    coral_distance,
    diagnose,
    label_shift,
    label_shift_fit,
    mmd,
    proxy_a_distance,
    risk_bound,
    sliced_wasserstein,
    subspace_distance,
)
from landbridge.exceptions import InputError

FEW = {"n_permutations": 100, "n_bootstrap": 10}


def diagnose_pair(kind, seed, labels=False, **how):
    source, target = make_shift(kind, random_state=seed, **{"n_source": 250, "n_target": 250} | how)
    return diagnose(source, target if labels else target.without_labels(), random_state=seed, **FEW)


@pytest.mark.parametrize("seed", range(8))
def test_label_shift_is_recognised(seed):
    d = diagnose_pair("label", seed)
    assert d.kinds == ("label",) and d.kind == "label" and "The class shares moved as well" not in d.words
    assert d.risk == "high" and d.evidence["label"] >= 0.85
    assert d.measurements["label_shift"].details["target_priors"][0] == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("covariate", "covariate"), ("concept", "concept"), ("translation", "concept"), ("subspace", "subspace")],
)
def test_the_other_kinds_are_told_apart_and_are_no_label_shift(kind, expected):
    for seed in range(4):
        d = diagnose_pair(kind, seed)
        assert d.kinds == (expected,) and d.kind == expected, (seed, d.words)
        assert d.evidence["label"] < 0.7 and "The class shares moved as well" not in d.words, (seed, d.words)


@pytest.mark.parametrize("kind", ["covariate", "concept", "translation", "subspace"])
def test_no_weaker_shift_is_called_label_shift(kind):
    for seed in range(3):
        d = diagnose_pair(kind, seed, severity=0.5)
        assert d.kind != "label" and d.evidence["label"] < 0.7, (seed, d.words)


def test_nothing_is_found_where_nothing_is():
    kinds = [diagnose_pair("translation", seed, severity=0.0).kind for seed in range(8)]
    assert kinds.count("none") == 8


@pytest.mark.parametrize(
    "how", [{"n_source": 100, "n_target": 100}, {"n_features": 30}, {"n_classes": 4}, {"noise": 1.5}, {"n_target": 60}]
)
def test_label_shift_is_recognised_in_other_shapes(how):
    kinds = [diagnose_pair("label", seed, **how).kind for seed in range(3)]
    assert kinds.count("label") == 3


@pytest.mark.parametrize("how", [{"n_features": 30}, {"noise": 1.2}, {"n_source": 100, "n_target": 100}])
def test_a_weak_translation_along_the_classes_is_not_called_label_shift(how):
    kinds = [diagnose_pair("translation", seed, severity=0.5, **how).kind for seed in range(3)]
    assert "label" not in kinds


def test_turned_rule_is_seen_through_target_labels_only():
    source, _ = make_shift("label", severity=0.0, random_state=0)
    _, other = make_shift("label", severity=0.0, random_state=1)
    turned = other.replace(y=1 - other.y)
    assert diagnose(source, turned.without_labels(), random_state=0, **FEW).kind == "none"
    d = diagnose(source, turned, random_state=0, **FEW)
    assert d.kind == "concept" and d.risk == "high" and d.evidence["concept"] > 0.8 and "contradict" in d.words
    same = diagnose(source, other, random_state=0, **FEW)
    assert same.kind == "none" and same.risk == "low" and "agree" in same.words


@pytest.mark.parametrize("kind", ["label", "covariate"])
def test_target_labels_that_keep_the_rule_do_not_cry_concept(kind):
    for seed in range(3):
        d = diagnose_pair(kind, seed, labels=True)
        assert d.kind == kind and d.measurements["concept_gap"].value < 0.3


def test_words_name_the_shares_and_the_rows_used():
    source, target = make_shift("label", n_source=500, n_target=300, random_state=0)
    source = source.replace(y=np.array(["healthy", "ill"])[source.y])
    d = diagnose(source, target.without_labels(), max_samples=200, random_state=0, **FEW)
    assert "label shift" in d.words and "healthy 80 % → " in d.words
    assert "Used 200 of 500 source samples and 200 of 300 target samples." in d.words
    assert json.loads(json.dumps(d.to_dict()))["kind"] == "label"
    assert set(d.evidence) == set(SHIFTS) and all(0 <= v <= 1 for v in d.evidence.values())


def test_without_source_labels_nothing_is_said_about_classes():
    source, target = make_shift("translation", random_state=0)
    d = diagnose(source.without_labels(), target.without_labels(), random_state=0, **FEW)
    assert "label_shift" not in d.measurements and d.evidence["label"] == 0 and d.kind == "concept"


def test_regression_has_no_label_shift():
    source, target = make_shift("covariate", random_state=0)
    y = source.X[:, 0] + 0.5
    d = diagnose(source.replace(y=y), target.without_labels(), random_state=0, **FEW)
    assert "label_shift" not in d.measurements and d.kind == "covariate"


def test_numbers_and_hundreds_of_classes_are_not_taken_for_label_shift():
    source, target = make_shift("translation", random_state=0)
    for y in (np.arange(400) % 80, np.array([f"item {i % 80}" for i in range(400)])):
        d = diagnose(source.replace(y=y), target.without_labels(), random_state=0, **FEW)
        assert "label_shift" not in d.measurements and d.kind == "concept"


def test_same_seed_same_numbers_and_nothing_is_changed():
    source, target = make_shift("concept", n_source=120, n_target=90, random_state=0)
    before = source.X.copy(), target.X.copy()
    one, two = (diagnose(source, target, random_state=4, **FEW).to_dict() for _ in range(2))
    assert one == two
    assert (source.X == before[0]).all() and (target.X == before[1]).all()


@pytest.mark.parametrize("form", ["sparse", "float32", "constant", "one column", "duplicates", "few samples"])
def test_odd_rows(form):
    source, target = make_shift("translation", n_source=90, n_target=70, random_state=0)
    Xs, ys, Xt = np.array(source.X), source.y, np.array(target.X)
    if form == "sparse":
        Xs, Xt = sparse.csr_matrix(Xs), sparse.csr_matrix(Xt)
    elif form == "float32":
        Xs, Xt = Xs.astype(np.float32), Xt.astype(np.float32)
    elif form == "constant":
        Xs, Xt = np.c_[Xs, np.ones(90)], np.c_[Xt, np.zeros(70)]
    elif form == "one column":
        Xs, Xt = Xs[:, :1], Xt[:, :1]
    elif form == "duplicates":
        Xs, Xt = np.repeat(Xs[:9], 10, axis=0), np.repeat(Xt[:7], 10, axis=0)
    elif form == "few samples":
        Xs, ys, Xt = Xs[:8], ys[:8], Xt[:5]
    d = diagnose(Domain(Xs, ys), Domain(Xt), random_state=0, n_permutations=20, n_bootstrap=5)
    assert d.kind in ("none", *SHIFTS) and np.isfinite(list(d.evidence.values())).all()


def test_other_widths_are_refused():
    with pytest.raises(InputError, match="target has 3 columns but source has 2"):
        diagnose(Domain(np.eye(2)), Domain(np.eye(3)))


@pytest.mark.data
@pytest.mark.parametrize(("one", "other"), [("caltech", "amazon"), ("amazon", "webcam"), ("dslr", "webcam")])
@pytest.mark.parametrize("scaled", [True, False])
def test_office_caltech_is_not_label_shift(one, other, scaled):
    path = shared_data("office_caltech_surf.npz")
    if path is None:
        pytest.skip("needs office_caltech_surf.npz of the shared data")
    data, rows = np.load(path), {}
    for name in (one, other):
        X = data[f"{name}_X"].astype(float)
        X /= X.sum(axis=1, keepdims=True)
        rows[name] = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0) if scaled else X
    d = diagnose(Domain(rows[one], data[f"{one}_y"]), Domain(rows[other]), max_samples=300, random_state=0, **FEW)
    assert d.kind != "label" and d.evidence["label"] < 0.5


@pytest.mark.data
def test_real_digits_drawn_unevenly_are_label_shift_and_other_writers_are_not():
    path = shared_data("usps_mnist_256.npz")
    if path is None:
        pytest.skip("needs usps_mnist_256.npz of the shared data")
    data = np.load(path)
    X, y = data["usps_X"], data["usps_y"].ravel()
    rng = np.random.RandomState(0)
    here = rng.uniform(size=len(y)) < np.where(y <= 5, 0.75, 0.25)
    d = diagnose(Domain(X[here], y[here]), Domain(X[~here]), max_samples=600, random_state=0, **FEW)
    assert d.kind == "label"
    true = np.bincount(y[~here], minlength=11)[1:] / (~here).sum()
    assert d.measurements["label_shift"].details["target_priors"] == pytest.approx(true, abs=0.04)
    d = diagnose(Domain(X, y), Domain(data["mnist_X"]), max_samples=600, random_state=0, **FEW)
    assert d.kind != "label" and d.evidence["label"] < 0.3 and d.risk == "high"


@pytest.mark.parametrize("n_samples", [1, 2, 4])
def test_too_few_samples_are_refused_by_name(n_samples):
    source, target = make_shift("covariate", random_state=0)
    few = target.without_labels().take(np.arange(n_samples))
    plural = "" if n_samples == 1 else "s"
    message = f"has {n_samples} sample{plural}; a diagnosis needs at least 5 samples per domain"
    with pytest.raises(InputError, match=f"^target {message}"):
        diagnose(source, few)
    with pytest.raises(InputError, match=f"^source {message}"):
        diagnose(few, target)


def test_five_samples_are_enough():
    source, target = make_shift("covariate", random_state=0)
    few = [d.take(np.arange(5)) for d in (source, target)]
    for pair in ((source, few[1]), (few[0], target), few):
        assert diagnose(*pair, random_state=0, n_permutations=20, n_bootstrap=10).kind in ("none", *SHIFTS)


def test_the_global_generator_is_left_alone():
    source, target = make_shift("label", random_state=0)
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    diagnose(source, target.without_labels(), n_permutations=20, n_bootstrap=10)
    for distance in (mmd, proxy_a_distance, coral_distance, sliced_wasserstein, subspace_distance):
        distance(source.X, target.X)
    for measure in (label_shift, label_shift_fit, risk_bound):
        measure(source.X, source.y, target.X)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def _persons(seed, n=15, rows=10, shift=0.0):
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(n), rows)
    X = rng.normal(size=(n, 4))[of] + shift + 0.2 * rng.normal(size=(n * rows, 4))
    return X, of % 2, of


def test_persons_differ_without_a_shift():
    """Two draws of a few persons with many rows each: different persons are no different distribution."""
    found = {True: 0, False: 0}
    for seed in range(4):
        (A, y, g), (B, _, h) = _persons(2 * seed), _persons(2 * seed + 1)
        for named in found:
            source = Domain(A, y, groups=g if named else None)
            target = Domain(B, groups=h + 100 if named else None)
            found[named] += diagnose(source, target, random_state=0, **FEW).kind != "none"
    assert found == {True: 0, False: 4}


def test_a_large_shift_of_persons_is_found():
    (A, y, g), (B, _, h) = _persons(0), _persons(1, shift=4.0)
    d = diagnose(Domain(A, y, groups=g), Domain(B, groups=h + 100), random_state=0, **FEW)
    assert d.kind != "none" and d.measurements["mmd"].p_value <= 0.01


def test_groups_of_another_length_are_refused():
    X = np.random.default_rng(0).normal(size=(20, 2))
    for distance in (proxy_a_distance, subspace_distance, coral_distance, sliced_wasserstein):
        with pytest.raises(InputError, match="groups has 3 entries"):
            distance(X, X, groups=[0, 1, 2], random_state=0)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("label+concept", {"concept", "label"}),
        ("label+covariate", {"covariate", "label"}),
    ],
)
def test_kinds_that_happen_together(kind, expected):
    found = [diagnose_pair(kind, seed) for seed in range(3)]
    assert sum(set(d.kinds) == expected for d in found) == 3
    assert all(d.kinds[0] == d.kind for d in found)
    assert all("The class shares moved as well" in d.words for d in found)


def test_no_shift_has_no_kinds():
    d = diagnose_pair("translation", 0, severity=0.0)
    assert d.kind == "none" and d.kinds == () and d.share_profile is None and d.concept == ""


def test_large_tumours_have_other_class_shares_as_well():
    small, large = load_builtin("tumours-small"), load_builtin("tumours-large")
    d = diagnose(small, large.without_labels(), random_state=0)
    assert "label" in d.kinds and "The class shares moved as well" in d.words
    assert "standardise each domain first" not in d.words


def test_concept_has_two_meanings():
    d = diagnose_pair("concept", 0)
    assert d.concept == "rescaled" and "columns moved or rescaled" in d.words
    source, _ = make_shift("label", severity=0.0, random_state=0)
    _, other = make_shift("label", severity=0.0, random_state=1)
    d = diagnose(source, other.replace(y=1 - other.y), random_state=0, **FEW)
    assert d.concept == "contradicted" and "labels contradict" in d.words and "only labels do" in d.words


@pytest.mark.parametrize("thinned", [False, True])
def test_a_column_in_another_unit_is_named(thinned):
    table = load_breast_cancer(as_frame=True)
    X, y = table.data, table.target.to_numpy()
    order = np.random.default_rng(0).permutation(len(y))
    source, rest = order[:280], order[280:]
    target = np.concatenate([rest[y[rest] == 1], rest[y[rest] == 0][: 6 if thinned else None]])
    Xt = X.iloc[target].copy()
    Xt["mean area"] *= 38.67
    d = diagnose(Domain(X.iloc[source], y[source]), Domain(Xt), random_state=0, **FEW)
    assert list(d.columns) == ["mean area"] and d.columns["mean area"].scale == pytest.approx(38.67, rel=0.15)
    assert "mean area was multiplied by" in d.words and ("label" in d.kinds) == thinned
    assert json.loads(json.dumps(d.to_dict()))["columns"]["mean area"]["offset"] == 0.0
