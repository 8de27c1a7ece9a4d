"""Box programmes: against generic solvers, with certificates that hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, linprog, minimize

from landbridge.numerics import box_qp, duality_gap, kernel, project_box_band


def generic(H, c, upper, low, high, x0):
    """A long run of SciPy's SLSQP."""
    n = len(c)
    found = minimize(
        lambda x: 0.5 * x @ H @ x + c @ x,
        x0,
        jac=lambda x: H @ x + c,
        method="SLSQP",
        bounds=[(0, upper)] * n,
        constraints=[
            {"type": "ineq", "fun": lambda x: x.sum() - low, "jac": lambda x: np.ones(n)},
            {"type": "ineq", "fun": lambda x: high - x.sum(), "jac": lambda x: -np.ones(n)},
        ],
        options={"maxiter": 2000, "ftol": 1e-15},
    )
    return found.fun


def programme(seed, n=40, d=3, gamma=0.5):
    rng = np.random.default_rng(seed)
    X, Z = rng.normal(size=(n, d)), rng.normal(0.7, 0.6, size=(n, d))
    return kernel(X, gamma=gamma), -kernel(X, Z, gamma=gamma).sum(axis=1)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("upper", "low", "high"),
    [(1000.0, 6.0, 74.0), (1.5, 6.0, 74.0), (1000.0, 60.0, 60.0), (3.0, 10.0, 12.0), (1000.0, 0.0, 1e9)],
)
@pytest.mark.parametrize("rank", [40, 10])
def test_no_worse_than_a_generic_solver(seed, upper, low, high, rank):
    H, c = programme(seed)
    values, vectors = np.linalg.eigh(H)
    F = vectors[:, -rank:] * np.sqrt(np.maximum(values[-rank:], 0))
    found = box_qp(c, upper, low, high, factor=F, diagonal=np.diag(H - F @ F.T), product=lambda v: H @ v, tol=1e-9)
    x = found.x
    assert (x >= 0).all() and (x <= upper).all()
    assert low - 1e-9 * high <= x.sum() <= high * (1 + 1e-9)
    assert found.objective == pytest.approx(0.5 * x @ H @ x + c @ x)
    reference = generic(H, c, upper, low, high, project_box_band(np.ones(40), upper, low, high))
    assert found.objective <= reference + 1e-7 * abs(reference)
    # the certificate is true, and small
    assert found.objective - reference <= found.gap + 1e-8 * abs(reference)
    assert found.gap <= 1e-6 * abs(found.objective)


def test_low_rank_plus_diagonal_is_the_full_matrix():
    rng = np.random.default_rng(3)
    F, diagonal = rng.normal(size=(60, 5)), rng.uniform(0.1, 0.5, 60)
    H, c = F @ F.T + np.diag(diagonal), rng.normal(size=60) - 1
    found = box_qp(c, 2.0, 5.0, 20.0, factor=F, diagonal=diagonal, tol=1e-10)
    assert found.objective == pytest.approx(generic(H, c, 2.0, 5.0, 20.0, np.full(60, 0.2)), rel=1e-7)


def test_single_precision_factor_keeps_the_certificate():
    rng = np.random.default_rng(3)
    F, diagonal, c = rng.normal(size=(300, 5)), rng.uniform(0.1, 0.5, 300), rng.normal(size=300) - 1
    a = box_qp(c, 2.0, 5.0, 100.0, factor=F.astype(np.float32), diagonal=diagonal)
    b = box_qp(c, 2.0, 5.0, 100.0, factor=F.astype(np.float32).astype(np.float64), diagonal=diagonal)
    assert a.objective == pytest.approx(b.objective, rel=1e-7)
    assert a.gap <= 1e-7 * abs(a.objective)


def test_the_preconditioner_changes_the_way_not_the_answer():
    H, c = programme(5, n=200, d=5)
    values, vectors = np.linalg.eigh(H)
    found = []
    for rank in (2, 200):
        F = vectors[:, -rank:] * np.sqrt(np.maximum(values[-rank:], 0))
        rest = np.diag(H - F @ F.T)
        found.append(box_qp(c, 1000.0, 10.0, 400.0, factor=F, diagonal=rest, product=lambda v: H @ v))
    assert found[0].objective == pytest.approx(found[1].objective, rel=3e-7)
    assert found[1].n_products < found[0].n_products


def test_singular_and_zero_matrices():
    ones = np.ones((30, 1))
    found = box_qp(np.full(30, -15.0), 10.0, 0.0, 60.0, factor=ones, diagonal=np.zeros(30))
    assert found.x.sum() == pytest.approx(15.0, rel=1e-6)
    # without curvature it is a linear programme
    c = np.linspace(-1, 1, 30)
    found = box_qp(c, 1.0, 0.0, 30.0, factor=np.zeros((30, 1)), diagonal=np.zeros(30))
    assert found.x.round(3).tolist() == (c < 0).astype(float).tolist()


@pytest.mark.parametrize(("low", "high", "want"), [(0.0, 0.0, 0.0), (20.0, 30.0, 2.0)])
def test_sets_without_interior(low, high, want):
    found = box_qp(-np.ones(10), 2.0, low, high, factor=np.eye(10), diagonal=np.zeros(10))
    assert found.x.tolist() == [want] * 10


def test_single_entry():
    found = box_qp(np.array([-3.0]), 2.0, 0.0, 9.0, factor=np.ones((1, 1)), diagonal=np.zeros(1))
    assert found.x.tolist() == [2.0]
    found = box_qp(np.array([-3.0]), 9.0, 0.0, 9.0, factor=np.ones((1, 1)), diagonal=np.zeros(1))
    assert found.x.tolist() == [3.0]


def test_caller_arrays_are_left_alone():
    H, c = programme(0)
    F, diagonal = np.linalg.cholesky(H + 1e-9 * np.eye(40)), np.zeros(40)
    before = F.copy(), c.copy()
    for a in (F, c, diagonal):
        a.flags.writeable = False
    box_qp(c, 10.0, 0.0, 80.0, factor=F, diagonal=diagonal)
    assert np.array_equal(F, before[0]) and np.array_equal(c, before[1])


numbers = st.lists(st.floats(-50, 50), min_size=1, max_size=12).map(np.array)


@settings(max_examples=80, deadline=None)
@given(numbers, st.floats(0.1, 20), st.floats(0, 1), st.floats(0, 1))
def test_projection_is_nearest(v, upper, a, b):
    low, high = sorted((a * upper * len(v), b * upper * len(v)))
    x = project_box_band(v, upper, low, high)
    assert (x >= 0).all() and (x <= upper).all()
    slack = 1e-9 * (1 + upper * len(v))
    assert low - slack <= x.sum() <= high + slack
    # first-order optimality of the distance: no feasible direction comes nearer
    assert duality_gap(x - v, x, upper, low, high) <= 1e-6 * (1 + np.abs(v).max()) * (1 + upper * len(v))
    assert np.allclose(project_box_band(x, upper, low - slack, high + slack), x)


@settings(max_examples=60, deadline=None)
@given(numbers, st.floats(0.5, 20), st.floats(0, 1), st.floats(0, 1))
def test_gap_is_a_linear_programme(g, upper, a, b):
    low, high = sorted((a * upper * len(g), b * upper * len(g)))
    x = project_box_band(np.full(len(g), 0.5), upper, low, high)
    ones = np.ones((1, len(g)))
    best = linprog(g, A_ub=np.concatenate([ones, -ones]), b_ub=[high, -low], bounds=[(0, upper)] * len(g)).fun
    assert duality_gap(g, x, upper, low, high) == pytest.approx(max(g @ x - best, 0.0), abs=1e-6)


def test_trust_region_oracle():
    H, c = programme(7, n=15)
    found = box_qp(c, 4.0, 10.0, 20.0, factor=np.linalg.cholesky(H + 1e-12 * np.eye(15)), diagonal=np.zeros(15))
    oracle = minimize(
        lambda x: 0.5 * x @ H @ x + c @ x,
        np.ones(15),
        jac=lambda x: H @ x + c,
        hess=lambda x: H,
        method="trust-constr",
        bounds=[(0, 4.0)] * 15,
        constraints=LinearConstraint(np.ones((1, 15)), 10.0, 20.0),
        options={"gtol": 1e-10, "xtol": 1e-12, "maxiter": 3000},
    )
    assert found.objective <= oracle.fun + 1e-7 * abs(oracle.fun)


def any_programme(rng):
    """Draw a small problem: any conditioning, scale, box and band, with and without an exact factor."""
    n = int(rng.integers(2, 9))
    rank = int(rng.integers(1, n + 1))
    scale = 10.0 ** rng.uniform(-8, 8) if rng.random() < 0.5 else 1.0
    spectrum = scale * 10.0 ** rng.uniform(-rng.choice([0, 3, 8, 14]), 0, n)
    vectors = np.linalg.qr(rng.normal(size=(n, n)))[0]
    H = (vectors * spectrum) @ vectors.T
    H = (H + H.T) / 2
    c = rng.normal(size=n) * scale * 10.0 ** rng.uniform(-3, 3)
    c = [c, -np.abs(c), np.round(c / scale) * scale][rng.integers(3)]
    upper = 10.0 ** rng.uniform(-8, 8) if rng.random() < 0.5 else float(rng.choice([1.0, 1.5, 3.0, 1000.0]))
    a, b = np.sort(rng.uniform(0, 1, 2)) * n * upper
    width = 10.0 ** rng.uniform(-12, -1)
    bands = [(0.0, 10 * n * upper), (a, a), (a, b), (a, a * (1 + width)), (0.0, b * width)]
    low, high = bands[rng.integers(5)]
    order = np.argsort(spectrum)[::-1]
    F = vectors[:, order] * np.sqrt(spectrum[order])
    exact = rng.integers(3)
    if exact == 0:
        return H, c, upper, low, high, {"factor": F, "diagonal": np.zeros(n)}
    F = F[:, :rank]
    if exact == 1:
        return H, c, upper, low, high, {"factor": F, "diagonal": np.diag(H - F @ F.T), "product": lambda v: H @ v}
    diagonal = scale * np.abs(rng.normal(size=n)) * 10.0 ** rng.uniform(-6, 0)
    return F @ F.T + np.diag(diagonal), c, upper, low, high, {"factor": F, "diagonal": diagonal}


@pytest.mark.parametrize("seed", range(4))
def test_thousands_of_problems_without_a_warning(seed):
    rng = np.random.default_rng(seed)
    for i in range(500):
        H, c, upper, low, high, rest = any_programme(rng)
        found = box_qp(c, upper, low, high, **rest)
        x, n = found.x, len(c)
        assert np.isfinite(x).all() and np.isfinite(found.objective), i
        assert (x >= 0).all() and (x <= upper).all(), i
        high = min(high, n * upper)
        assert low - 1e-9 * high <= x.sum() <= high * (1 + 1e-9), i
        # the Karush-Kuhn-Tucker conditions hold up to the rounding of the products, at the optimum and at the largest x
        size, largest = ((v @ np.abs(H) + np.abs(c)) @ v for v in (x, np.full(n, high / n)))
        gap = duality_gap(H @ x + c, x, upper, low, high)
        assert gap <= 1e-6 * abs(found.objective) + 1e-8 * size + 1e-12 * largest, i


def test_an_iterate_that_rounds_to_its_bound():
    from landbridge.numerics.boxqp import _advance, _State, _System

    H, c = programme(0)
    upper, x = 3.0, np.full(40, 0.3)
    x[:2] = upper, upper * (1 - 1e-16)
    system = _System(np.linalg.cholesky(H + 1e-9 * np.eye(40)), np.zeros(40), None, None)
    state = _State(x, x.sum() - 10.0, 30.0 - x.sum(), np.ones(40), np.ones(40), 1.0, 1.0)
    for _ in range(5):
        state = _advance(state, H @ state.x + c, upper, system)
        assert np.isfinite(state.x).all() and (state.x > 0).all() and (state.x <= upper).all()
        assert (state.zl > 0).all() and (state.zu > 0).all() and min(state.sl, state.su, state.wl, state.wu) > 0
