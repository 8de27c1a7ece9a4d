"""The denoising autoencoder as a transformer that learns from unlabelled samples."""

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
from landbridge.neural.selftaught import AutoencoderFeatures, denoising_loss
from landbridge.neural.selftaught._parts import Draws, chain, fresh, learn_scale


def make(seed=0):
    return AutoencoderFeatures(
        12, hidden_layer_sizes=(32,), epochs=20, learning_rate=3e-3, standardize="global", random_state=seed
    )


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
        AutoencoderFeatures(3, hidden_layer_sizes=(8,), epochs=2),
        AutoencoderFeatures(2, hidden_layer_sizes=(), noise=0.0, epochs=2, standardize="global", random_state=1),
    ],
)
def test_scikit_learn_checks(estimator):
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = {r["check_name"]: repr(r["exception"]) for r in results if r["status"] not in ("passed", "skipped")}
    assert not failed
    assert sum(r["status"] == "passed" for r in results) > 30


def test_same_seed_same_codes_and_no_seed_leaks(printed, handwritten):
    X, _, few = handwritten
    state, torch_state = np.random.get_state()[1].copy(), torch.random.get_rng_state()  # noqa: NPY002
    kept = printed.copy()
    a, b, c = (make(s).fit(printed).transform(X[few]) for s in (0, 0, 1))
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    assert np.array_equal(printed, kept)
    assert np.array_equal(a, b)
    assert not np.allclose(a, c)


def test_codes_do_not_depend_on_their_company_and_survive_copies(printed, handwritten):
    X = handwritten[0][:20]
    model = make().fit(printed)
    codes = model.transform(X)
    assert codes.shape == (20, model.n_components) and codes.dtype == np.float64
    assert np.allclose(np.vstack([model.transform(x[None]) for x in X]), codes, atol=1e-9)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).transform(X), codes)
    assert np.array_equal(clone(model).fit(printed).transform(X), codes)
    assert len(model.get_feature_names_out()) == model.n_components


def test_codes_of_printed_parts_separate_handwritten_digits_with_five_labels_per_class(printed, handwritten):
    X, y, few = handwritten
    model = make_pipeline(make().fit(printed), LogisticRegression(max_iter=500))
    model[-1].fit(model[0].transform(X[few]), y[few])
    rest = np.setdiff1d(np.arange(len(y)), few)[:600]
    assert model.score(X[rest], y[rest]) > 0.5  # chance is 0.1


def test_denoising_loss_is_the_naive_mean():
    encoder, decoder = fresh(lambda: (chain([4, 3]), chain([3, 4])), 0)
    dice = torch.Generator().manual_seed(0)
    x, keep = torch.randn(6, 4, generator=dice), (torch.rand(6, 4, generator=dice) > 0.3).float()
    with torch.no_grad():
        told = decoder(encoder(x * keep))
        naive = np.mean([(float(told[i, j]) - float(x[i, j])) ** 2 for i in range(6) for j in range(4)])
        assert float(denoising_loss(encoder, decoder, x, keep)) == pytest.approx(naive, rel=1e-5)


def test_the_autoencoder_reconstructs_better_than_the_mean(printed):
    model = AutoencoderFeatures(
        16, hidden_layer_sizes=(64,), epochs=30, learning_rate=3e-3, standardize="global", random_state=0
    ).fit(printed)
    error = ((model.inverse_transform(model.transform(printed)) - printed) ** 2).mean()
    assert error < 0.5 * printed.var(axis=0).mean()
    assert model.losses_[-1] < model.losses_[0]


def test_scales_leave_constant_columns_alone():
    X = np.column_stack([np.full(6, 7.0), np.arange(6.0), 100 * np.arange(6.0)])
    each, table = learn_scale(X, "per_feature"), learn_scale(X, "global")
    assert each.spread.tolist() == pytest.approx([1.0, X[:, 1].std(), X[:, 2].std()])
    assert len(set(table.spread)) == 1
    assert not each.apply(X)[:, 0].any()


def test_draws_go_through_all_rows_before_any_comes_again():
    rows = torch.arange(10)
    drawn = Draws(rows, 5, torch.Generator().manual_seed(0))
    passes = [torch.cat([next(drawn), next(drawn)]) for _ in range(3)]
    assert all(torch.equal(p.sort().values, rows) for p in passes)
    assert not torch.equal(passes[0], passes[1])
    assert torch.equal(next(Draws(rows, 20, torch.Generator())), rows)


@pytest.mark.parametrize("hidden_layer_sizes", [(0,), (4, -1), (2.5,)])
def test_bad_layers_are_named(hidden_layer_sizes):
    with pytest.raises(InputError, match="hidden_layer_sizes"):
        AutoencoderFeatures(hidden_layer_sizes=hidden_layer_sizes).fit(np.eye(4))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (AutoencoderFeatures(noise=1.0), "noise"),
        (AutoencoderFeatures(standardize="rows"), "standardize"),
        (AutoencoderFeatures(device="abacus"), "device"),
    ],
)
def test_bad_parameters_are_named(model, name):
    with pytest.raises(ValueError, match=name):
        model.fit(np.eye(4))
