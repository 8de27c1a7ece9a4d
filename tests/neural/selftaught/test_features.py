"""Transformers that learn from unlabelled rows: sparse coding and the denoising autoencoder."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.neural.selftaught import AutoencoderFeatures, SparseCodingFeatures, denoising_loss, sparse_codes
from landbridge.neural.selftaught._parts import chain, draws, fresh, learn_scale

MAKERS = {
    "sparse": lambda seed=0: SparseCodingFeatures(24, 0.1, max_iter=5, random_state=seed),
    "autoencoder": lambda seed=0: AutoencoderFeatures(
        12, layers=(32,), epochs=20, lr=3e-3, scale="table", random_state=seed
    ),
}


@pytest.fixture(scope="module")
def printed():
    return load_builtin("printed").X[:400]


@pytest.fixture(scope="module")
def handwritten():
    digits = load_builtin("handwritten")
    few = np.concatenate([np.flatnonzero(digits.y == c)[:5] for c in range(10)])
    return digits.X, digits.y, few


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "estimator",
    [
        SparseCodingFeatures(4, max_iter=3),
        SparseCodingFeatures(30, 0.5, max_iter=2, batch_size=7, random_state=1),
        AutoencoderFeatures(3, layers=(8,), epochs=2),
        AutoencoderFeatures(2, layers=(), noise=0.0, epochs=2, scale="table", random_state=1),
    ],
)
def test_scikit_learn_checks(estimator):
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = {r["check_name"]: repr(r["exception"]) for r in results if r["status"] not in ("passed", "skipped")}
    assert not failed
    assert sum(r["status"] == "passed" for r in results) > 30


@pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))
def test_same_seed_same_codes_and_no_seed_leaks(make, printed, handwritten):
    X, _, few = handwritten
    state, torch_state = np.random.get_state()[1].copy(), torch.random.get_rng_state()  # noqa: NPY002
    kept = printed.copy()
    a, b, c = (make(s).fit(printed).transform(X[few]) for s in (0, 0, 1))
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    assert np.array_equal(printed, kept)
    assert np.array_equal(a, b)
    assert not np.allclose(a, c)


@pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))
def test_codes_do_not_depend_on_their_company_and_survive_copies(make, printed, handwritten):
    X = handwritten[0][:20]
    model = make().fit(printed)
    codes = model.transform(X)
    assert codes.shape == (20, model.n_components) and codes.dtype == np.float64
    assert np.allclose(np.vstack([model.transform(x[None]) for x in X]), codes, atol=1e-9)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).transform(X), codes)
    assert np.array_equal(clone(model).fit(printed).transform(X), codes)
    assert len(model.get_feature_names_out()) == model.n_components


@pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))
def test_codes_of_printed_parts_tell_handwritten_digits_from_five_rows_a_class(make, printed, handwritten):
    X, y, few = handwritten
    model = make_pipeline(make().fit(printed), LogisticRegression(max_iter=500))
    model[-1].fit(model[0].transform(X[few]), y[few])
    rest = np.setdiff1d(np.arange(len(y)), few)[:600]
    assert model.score(X[rest], y[rest]) > 0.5  # chance is 0.1


def test_sparse_codes_meet_the_conditions_of_the_minimum():
    rng = np.random.default_rng(0)
    B = rng.normal(size=(8, 5))
    B /= np.linalg.norm(B, axis=1, keepdims=True)
    X, alpha = rng.normal(size=(30, 5)), 0.3
    A = sparse_codes(X, B, alpha)
    slope = (X - A @ B) @ B.T  # equals alpha sign(a) where a is not zero, and lies within alpha elsewhere
    assert np.allclose(slope[A != 0], alpha * np.sign(A[A != 0]), atol=1e-4)
    assert np.abs(slope).max() < alpha + 1e-4
    assert 0 < (A == 0).mean() < 1
    assert not sparse_codes(X, B, np.abs(X @ B.T).max() * 1.001).any()


def test_atoms_have_length_one_at_most_and_a_larger_alpha_gives_more_zeros(printed, handwritten):
    few, many = (SparseCodingFeatures(24, alpha, max_iter=5, random_state=0).fit(printed) for alpha in (0.5, 0.05))
    assert np.linalg.norm(few.components_, axis=1).max() <= 1 + 1e-9
    X = handwritten[0][:100]
    assert (few.transform(X) == 0).mean() > (many.transform(X) == 0).mean() + 0.1


def test_denoising_loss_is_the_naive_mean():
    encoder, decoder = fresh(lambda: (chain([4, 3]), chain([3, 4])), 0)
    dice = torch.Generator().manual_seed(0)
    x, keep = torch.randn(6, 4, generator=dice), (torch.rand(6, 4, generator=dice) > 0.3).float()
    with torch.no_grad():
        told = decoder(encoder(x * keep))
        naive = np.mean([(float(told[i, j]) - float(x[i, j])) ** 2 for i in range(6) for j in range(4)])
        assert float(denoising_loss(encoder, decoder, x, keep)) == pytest.approx(naive, rel=1e-5)


def test_the_autoencoder_reconstructs_better_than_the_mean(printed):
    model = AutoencoderFeatures(16, layers=(64,), epochs=30, lr=3e-3, scale="table", random_state=0).fit(printed)
    error = ((model.inverse_transform(model.transform(printed)) - printed) ** 2).mean()
    assert error < 0.5 * printed.var(axis=0).mean()
    assert model.losses_[-1] < model.losses_[0]


def test_scales_leave_constant_columns_alone():
    X = np.column_stack([np.full(6, 7.0), np.arange(6.0), 100 * np.arange(6.0)])
    each, table = learn_scale(X, "columns"), learn_scale(X, "table")
    assert each.spread.tolist() == pytest.approx([1.0, X[:, 1].std(), X[:, 2].std()])
    assert len(set(table.spread)) == 1
    assert not each.apply(X)[:, 0].any()


def test_draws_go_through_all_rows_before_any_comes_again():
    rows = torch.arange(10)
    drawn = draws(rows, 5, torch.Generator().manual_seed(0))
    passes = [torch.cat([next(drawn), next(drawn)]) for _ in range(3)]
    assert all(torch.equal(p.sort().values, rows) for p in passes)
    assert not torch.equal(passes[0], passes[1])
    assert torch.equal(next(draws(rows, 20, torch.Generator())), rows)


@pytest.mark.parametrize("layers", [(0,), (4, -1), (2.5,)])
def test_bad_layers_are_named(layers):
    with pytest.raises(InputError, match="layers"):
        AutoencoderFeatures(layers=layers).fit(np.eye(4))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (SparseCodingFeatures(alpha=0.0), "alpha"),
        (SparseCodingFeatures(0), "n_components"),
        (AutoencoderFeatures(noise=1.0), "noise"),
        (AutoencoderFeatures(scale="rows"), "scale"),
        (AutoencoderFeatures(device="abacus"), "device"),
    ],
)
def test_bad_parameters_are_named(model, name):
    with pytest.raises(ValueError, match=name):
        model.fit(np.eye(4))
