"""Distant transfer: the parts of the objective, the selection, and what it is worth on a proxy with six labels."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from landbridge.data import load_builtin
from landbridge.exceptions import InputError, LabelError
from landbridge.neural.selftaught import DistantTransfer, row_losses
from landbridge.neural.selftaught._ddtl import selective_learning
from landbridge.neural.selftaught._parts import fresh
from landbridge.neural.selftaught._selection import Coder, threshold

PRINTED, HANDWRITTEN = load_builtin("printed"), load_builtin("handwritten")
SETTING = {"standardize": "global"}


def proxy(seed, pair=(3, 8)):
    """Printed digits, four in ten labels wrong; a pool, half of it scrambled dot by dot; six handwritten labels."""
    rng = np.random.default_rng(seed)
    printed, handwritten = PRINTED, HANDWRITTEN
    rows = rng.choice(np.flatnonzero(np.isin(printed.y, pair)), 200, replace=False)
    Xs, ys = printed.X[rows], printed.y[rows].copy()
    wrong = rng.random(200) < 0.4
    ys[wrong] = sum(pair) - ys[wrong]
    classes = [rng.permutation(np.flatnonzero(handwritten.y == c))[:170] for c in pair]
    few = np.concatenate([c[:3] for c in classes])
    test = np.concatenate([c[3:70] for c in classes])
    good = handwritten.X[np.concatenate([c[70:] for c in classes])]
    bad = rng.permuted(handwritten.X[rng.choice(len(handwritten.X), 200, replace=False)], axis=1)
    y = handwritten.y
    return (Xs, ys, np.vstack([good, bad]), handwritten.X[few], y[few]), (handwritten.X[test], y[test]), wrong


def named(data):
    Xs, ys, Xi, Xt, yt = data
    return {"X": Xs, "y": ys, "X_target": Xt, "y_target": yt, "intermediate_domains": [Xi]}


@pytest.fixture(scope="module")
def fitted():
    data, test, wrong = proxy(0)
    return DistantTransfer(random_state=0, **SETTING).fit(**named(data)), data, test, wrong


@pytest.fixture(scope="module")
def other_orders(fitted):
    model, data, *_ = fitted
    return [clone(model).set_params(selection=order).fit(**named(data)) for order in ("random", "reversed")]


def test_six_labels_gain_by_transfer_and_by_the_order(fitted, other_orders):
    scores = []
    for seed in range(3):
        data, test, _ = proxy(seed)
        model = DistantTransfer(random_state=seed, **SETTING)
        alone = clone(model).fit(data[3], data[4])
        three = [fitted[0], *other_orders]
        if seed > 0:
            three = [clone(m).set_params(random_state=seed).fit(**named(data)) for m in three]
        scores.append([m.score(*test) for m in (*three, alone)])
    selective, chance, worst, alone = np.mean(scores, axis=0)
    assert selective > alone
    assert selective > worst
    assert selective > chance - 0.02  # over many seeds the two differ by less than their spread on this proxy


def test_source_rows_leave_and_intermediate_rows_come_in(fitted):
    model, *_ = fitted
    shares = model.selected_share_
    assert shares.shape == (model.max_iter + 1, 2)
    # as in the paper: all of the source and none of the intermediates at first, then less of one and more of the other
    assert shares[0].tolist() == [1.0, 0.0]
    assert (np.diff(shares[:-1, 0]) < 0).all() and (np.diff(shares[:-1, 1]) > 0).all()
    assert shares[-2].tolist() == shares[-1].tolist()
    assert shares[-1] == pytest.approx([0.5, 0.5], abs=0.01)
    for name, share in zip(("source", "intermediate"), shares[-1], strict=True):
        assert model.selection_[name].dtype == bool
        assert model.selection_[name].mean() == pytest.approx(share)
    assert model.objective_.shape == (model.max_iter,) and np.isfinite(model.objective_).all()


def test_scrambled_rows_and_wrong_labels_are_put_aside(fitted):
    model, _, _, wrong = fitted
    kept = model.selection_["intermediate"]
    assert kept[:200].mean() > 0.9 and kept[200:].mean() < 0.1
    source = model.selection_["source"]
    assert source[wrong].mean() < source[~wrong].mean() - 0.2


def test_other_orders_keep_as_many_rows_but_others(fitted, other_orders):
    model, _, _, wrong = fitted
    chance, worst = other_orders
    for other in (chance, worst):
        assert np.allclose(other.selected_share_, model.selected_share_)
        # the source is selected by its losses in every order
        source = other.selection_["source"]
        assert source[wrong].mean() < source[~wrong].mean() - 0.2
    assert abs(chance.selection_["intermediate"][:200].mean() - 0.5) < 0.15
    kept = worst.selection_["intermediate"]
    assert kept[:200].mean() < 0.1 < 0.9 < kept[200:].mean()


def test_a_random_order_never_takes_a_row_out_again(fitted):
    model, data, *_ = fitted
    before = np.zeros(len(data[2]), dtype=bool)
    for turns, share in ((1, 0.25), (2, 0.5), (3, 0.75)):
        coder = fresh(lambda: Coder([64, 8], 2), 0)
        rows = [torch.tensor((part - model.mean_) / model.scale_, dtype=torch.float32) for part in data[::2][:2]]
        found = selective_learning(
            coder,
            (rows[0], torch.from_numpy((data[1] == 8).astype(np.int64))),
            rows[1],
            (rows[0][:6], torch.tensor([0, 1] * 3)),
            keep_intermediate=share,
            selection="random",
            max_iter=turns,
            n_steps=1,
            generator=torch.Generator().manual_seed(3),
        )
        kept = found.intermediate.numpy()
        assert kept.mean() == pytest.approx(share) and (kept | ~before).all()
        before = kept


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_objective_is_the_naive_sum(share):
    dice = torch.Generator().manual_seed(0)
    Xs, Xi, Xt = (torch.randn((n, 5), generator=dice) for n in (20, 40, 6))
    ys, yt = torch.arange(20) % 2, torch.arange(6) % 2
    coder = fresh(lambda: Coder([5, 3], 2), 0)
    found = selective_learning(
        coder, (Xs, ys), Xi, (Xt, yt), keep_intermediate=share, max_iter=1, n_steps=2, generator=dice
    )
    with torch.no_grad():
        e_s, e_i = row_losses(Xs, *coder(Xs), ys).numpy(), row_losses(Xi, *coder(Xi)).numpy()
        e_t = row_losses(Xt, *coder(Xt), yt).numpy()
    v_s, v_i = found.source.numpy(), found.intermediate.numpy()
    assert (v_s.sum(), v_i.sum()) == (10, round(40 * share))
    naive = e_t.mean() + (e_s - np.sort(e_s)[10])[v_s].sum() / 20
    if share:
        # each threshold is the least loss that is not let in; it is left out where all are in
        lam = np.sort(e_i)[v_i.sum()] if share < 1 else 0.0
        naive += (e_i - lam)[v_i].sum() / 40
    assert found.objective[0] == pytest.approx(naive, rel=1e-4)


def test_the_selection_is_that_of_the_least_losses(fitted):
    model, data, *_ = fitted
    Xs, ys, Xi, *_ = data

    def losses(X, labels=None):
        x = torch.from_numpy((X - model.mean_) / model.scale_)
        with torch.no_grad():
            return row_losses(x, *model.coder_(x), labels).numpy()

    codes = torch.from_numpy(np.searchsorted(model.classes_, ys))
    for name, terms in (("source", losses(Xs, codes)), ("intermediate", losses(Xi))):
        kept = model.selection_[name]
        assert terms[kept].max() <= terms[~kept].min() * (1 + 1e-4) + 1e-6


def test_row_losses_are_the_naive_sums():
    dice = torch.Generator().manual_seed(0)
    x, told = torch.randn((2, 6, 4), generator=dice, dtype=torch.float64)
    logits = torch.randn((6, 3), generator=dice, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, -1, 0, 1])
    p = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(axis=1, keepdims=True)
    error = ((told - x).numpy() ** 2).mean(axis=1)
    assert np.allclose(row_losses(x, told, logits), error - (p * np.log(p)).sum(axis=1))
    known = [error[i] - (np.log(p[i, k]) if (k := int(labels[i])) >= 0 else 0.0) for i in range(6)]
    assert np.allclose(row_losses(x, told, logits, labels), known)


def test_thresholds_let_the_share_through():
    losses = torch.tensor([3.0, 1.0, 2.0, 4.0])
    assert [int((losses < threshold(losses, s)).sum()) for s in (0.0, 0.5, 0.75, 1.0)] == [0, 2, 3, 4]


def test_same_seed_same_model_and_nothing_else_is_touched(fitted):
    model, data, test, _ = fitted
    kept = [part.copy() for part in data]
    state, torch_state = np.random.get_state()[1].copy(), torch.random.get_rng_state()  # noqa: NPY002
    again = clone(model).fit(**named(data))
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    assert all(np.array_equal(a, b) for a, b in zip(kept, data, strict=True))
    P = model.predict_proba(test[0])
    assert np.array_equal(again.predict_proba(test[0]), P)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict_proba(test[0]), P)
    assert np.allclose(P.sum(axis=1), 1.0)
    assert np.array_equal(model.predict(test[0]), model.classes_[P.argmax(axis=1)])


def test_unlabelled_target_rows_and_words_for_labels(fitted):
    _, (Xs, ys, Xi, Xt, yt), test, _ = fitted
    words = {3: "three", 8: "eight"}
    known = [words[v] for v in yt.tolist()]
    model = DistantTransfer(random_state=0, max_iter=2, **SETTING)
    target = {"X_target": np.vstack([Xt, test[0]]), "y_target": known + [None] * len(test[0])}
    model.fit(Xs, [words[v] for v in ys.tolist()], **target, intermediate_domains=[Xi[:90], Xi[90:]])
    assert set(model.predict(test[0])) <= {"three", "eight"}
    assert clone(model).fit(Xs, ys, X_target=Xt, y_target=yt).selected_share_[:, 1].tolist() == [0.0] * 3


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "options", [{}, {"hidden_layer_sizes": (), "standardize": "global", "selection": "random", "keep_source": 1.0}]
)
def test_scikit_learn_checks(options):
    quick = {
        "n_components": 8,
        "hidden_layer_sizes": (16,),
        "max_iter": 2,
        "n_steps": 25,
        "n_pretrain_steps": 5,
        "learning_rate": 0.02,
    }
    model = DistantTransfer(random_state=0, **(quick | options))
    results = check_estimator(model, on_fail=None, on_skip=None)
    failed = {r["check_name"]: repr(r["exception"]) for r in results if r["status"] not in ("passed", "skipped")}
    assert not failed
    assert sum(r["status"] == "passed" for r in results) > 30


@pytest.mark.parametrize(
    ("change", "error", "name"),
    [
        ({"intermediate_domains": [np.zeros((3, 7))]}, InputError, r"intermediate_domains\[0\]"),
        ({"intermediate_domains": np.zeros((3, 3))}, InputError, "give a list of arrays"),
        ({"X_target": np.full((4, 3), np.nan)}, InputError, "X_target"),
        ({"X_target": None}, InputError, "y_target was given without X_target"),
        ({"y_target": [0, 1]}, LabelError, "y_target"),
        ({"y_target": None}, LabelError, "y_target has no label"),
        ({"y_target": [0, 1, 2, 0]}, LabelError, "class '2'"),
        ({"y": [0.5] * 6}, ValueError, "continuous"),
    ],
)
def test_bad_input_is_named(change, error, name):
    rng = np.random.default_rng(0)
    given = {
        "X": rng.normal(size=(6, 3)),
        "y": [0, 1] * 3,
        "intermediate_domains": [rng.normal(size=(5, 3))],
        "X_target": rng.normal(size=(4, 3)),
        "y_target": [0, 1, 0, -1],
    }
    DistantTransfer(max_iter=1, n_steps=1).fit(**given)
    with pytest.raises(error, match=name):
        DistantTransfer(max_iter=1, n_steps=1).fit(**(given | change))


@pytest.mark.parametrize(
    "name", ["keep_source", "keep_intermediate", "selection", "max_iter", "learning_rate", "hidden_layer_sizes"]
)
def test_bad_parameters_are_named(name):
    with pytest.raises(ValueError, match=name):
        DistantTransfer(**{name: -1}).fit(np.eye(4), [0, 1, 0, 1])
