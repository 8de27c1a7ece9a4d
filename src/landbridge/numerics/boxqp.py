"""Convex quadratic programmes over a box and one band on the sum, solved to a certified duality gap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

__all__ = ["BoxQP", "box_qp", "duality_gap", "project_box_band"]

Vector = NDArray[np.float64]

# Rows of the factor that are widened to float64, or scaled, at a time: a block should stay in the cache.
_BLOCK_ROWS = 1024
_TINY = float(np.finfo(float).tiny)
_EPS = float(np.finfo(float).epsneg)


class BoxQP(NamedTuple):
    """Result of :func:`box_qp`.

    Parameters
    ----------
    x : ndarray of shape (n,)
        Feasible point.
    objective : float
        Its value.
    gap : float
        Certified bound on how far `objective` is above the optimum.
    n_iter : int
        Steps of the interior-point method.
    n_products : int
        Products with the matrix.
    """

    x: Vector
    objective: float
    gap: float
    n_iter: int
    n_products: int


def project_box_band(v: Vector, upper: float, low: float, high: float) -> Vector:
    """Project onto the points of the box ``[0, upper]`` whose sum lies in ``[low, high]``.

    The multiplier of the band is the root of a decreasing piecewise linear function, found by bracketed Newton steps.

    Parameters
    ----------
    v : ndarray of shape (n,)
    upper : float
        Largest entry.
    low, high : float
        Band of the sum.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import project_box_band
    >>> project_box_band(np.array([-1.0, 0.5, 3.0]), 2.0, 2.0, 2.0).tolist()
    [0.0, 0.0, 2.0]
    """
    x = np.clip(v, 0.0, upper)
    total = float(x.sum())
    if low <= total <= high:
        return x
    aim = min(max(total, low), high)
    left, right = float(v.min()) - upper, float(v.max())
    shift = 0.0
    for _ in range(200):
        w = v - shift
        x = np.clip(w, 0.0, upper)
        excess = float(x.sum()) - aim
        if abs(excess) <= 1e-15 * max(aim, _TINY):
            break
        left, right = (shift, right) if excess > 0 else (left, shift)
        slope = np.count_nonzero((w > 0) & (w < upper))
        step = shift + excess / slope if slope else 0.5 * (left + right)
        if not left < step < right:
            step = 0.5 * (left + right)
        if step == shift:
            break
        shift = step
    return x


def duality_gap(gradient: Vector, x: Vector, upper: float, low: float, high: float) -> float:
    r"""Bound ``f(x) - min f`` for a convex ``f`` with this gradient at a feasible ``x``.

    .. math:: \nabla f(x)^\top x - \min_{z} \nabla f(x)^\top z

    over the feasible :math:`z`: the gap to Wolfe's dual, which needs one sort.

    Parameters
    ----------
    gradient : ndarray of shape (n,)
    x : ndarray of shape (n,)
    upper, low, high : float
        The feasible set: ``0 <= z <= upper`` and ``low <= sum(z) <= high``.

    Returns
    -------
    float
        Zero only at the optimum.
    """
    g = np.sort(gradient)
    total = min(max(upper * int(np.searchsorted(g, 0.0)), low), high)
    full = min(int(total // upper), len(g))
    least = upper * g[:full].sum() + ((total - upper * full) * g[full] if full < len(g) else 0.0)
    return max(float(gradient @ x - least), 0.0)


def box_qp(
    c: Vector,
    upper: float,
    low: float,
    high: float,
    *,
    factor: NDArray[Any],
    diagonal: Vector,
    product: Callable[[Vector], Vector] | None = None,
    fast_product: Callable[[Vector], Vector] | None = None,
    tol: float = 1e-7,
    max_iter: int = 100,
) -> BoxQP:
    r"""Solve a box-constrained quadratic programme with products only.

    .. math:: \min_x \tfrac12 x^\top H x + c^\top x \quad \text{s.t.} \quad 0 \le x \le u, \;
              l \le \textstyle\sum_i x_i \le h

    A predictor-corrector interior-point method. Each of its systems :math:`(H + \Theta)\,d = r` goes to conjugate
    gradients, preconditioned by :math:`F F^\top + \Delta + \Theta`, a low-rank approximation that Woodbury's identity
    inverts. Without `product` the approximation *is* the matrix.

    Parameters
    ----------
    c : ndarray of shape (n,)
        Linear term.
    upper, low, high : float
        The feasible set.
    factor : ndarray of shape (n, r)
        ``F``, with ``F F'`` close to and (nearly) not above ``H``; float32 halves its memory.
    diagonal : ndarray of shape (n,)
        Diagonal of ``H - F F'``, non-negative.
    product : callable, optional
        ``v -> H v``. If None, ``H = F F' + diag(diagonal)``.
    fast_product : callable, optional
        The same, perhaps in lower precision; steers the inner iterations, never the certificate.
    tol : float, default=1e-7
        Stop once the duality gap is below ``tol * |objective|``.
    max_iter : int, default=100
        Largest number of steps; 10 to 25 are usual, whatever the conditioning.

    Returns
    -------
    BoxQP

    Notes
    -----
    Time per step O(n r²) and a handful of products; memory O(n) beside the factor.

    References
    ----------
    .. [1] S. Mehrotra. On the implementation of a primal-dual interior point method. SIAM Journal on Optimization 2,
       1992.
    .. [2] Z. Frangella, J. A. Tropp, M. Udell. Randomized Nyström preconditioning. SIAM Journal on Matrix Analysis
       and Applications 44, 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import box_qp
    >>> box_qp(np.array([-1.0, 1.0]), 10.0, 0.0, 5.0, factor=np.eye(2), diagonal=np.zeros(2)).x.round(4).tolist()
    [1.0, 0.0]
    """
    n = len(c)
    low, high = max(low, 0.0), min(high, n * upper)
    system = _System(factor, diagonal, product, fast_product)
    start = min(max(float(n), low), high)
    if high <= 0.0 or low >= n * upper or n == 1:
        return _trivial(c, upper, low, high, system)
    # A band of no width has no interior: it is widened a little, and the projection at the end corrects that.
    margin = 1e-9 * high
    s_low, s_high = (low - margin, high + margin) if high - low <= 2 * margin else (low, high)
    room = 0.1 * (s_high - s_low)
    start = min(max(start, s_low + room), s_high - room)
    x = np.full(n, start / n)
    # Far from the optimum a gradient in low precision steers as well.
    precise = fast_product is None
    g = (system.exact(x) if precise else system.fast(x)) + c
    scale = 0.1 * float(np.abs(g).mean()) + 1e-12 * float(np.abs(c).max()) + _TINY
    zl = np.maximum(g, 0.0) + scale
    # a narrow band starts at the complementarity of the box: else its slacks vanish in the first step
    mu, sl, su = float(x @ zl) / n, start - s_low, s_high - start
    state = _State(x, sl, su, zl, np.full(n, scale * x.mean() / upper), max(scale, mu / sl), max(scale, mu / su))
    best_x, best_gap, best_k, step = x, np.inf, 0, 0
    before, least, care = np.inf, _TINY, 1.0
    for step in range(1, max_iter + 1):
        point = project_box_band(state.x, upper, low, high) if s_low < low else state.x
        gap, value = duality_gap(g, point, upper, low, high), 0.5 * float(state.x @ (g + c))
        if not precise and gap <= max(100.0 * tol, 1e-4) * abs(value):
            precise, g = True, system.exact(state.x) + c
            gap, value = duality_gap(g, point, upper, low, high), 0.5 * float(state.x @ (g + c))
        if gap < best_gap:
            best_x, best_gap, best_k = state.x, gap, step
        # an optimum of zero has no relative error: what counts is the gap of the first iterate
        least = max(least, 1e-16 * gap) if step == 1 else least
        if gap <= tol * max(abs(value), least) or not np.isfinite(gap):
            break
        if step - best_k > 6 and gap > 0.5 * before:
            if care < 1.0:
                break
            # once more, with tighter systems and from the central path
            best_k, care, gap = step, 1e-4, np.inf
            g = system.exact(x) + c
            mu = float(np.abs(g).max() + np.abs(c).max() + scale) * max(x[0], upper - x[0])
            xu = np.full(n, upper - x[0])
            state = _State(x, sl, su, mu / x, mu / xu, mu / sl, mu / su)
        before = gap
        state = _advance(state, g, upper, system, care)
        g = (system.exact(state.x) if precise else system.fast(state.x)) + c
    x = project_box_band(best_x, upper, low, high)
    g = system.exact(x) + c
    return BoxQP(x, 0.5 * float(x @ (g + c)), duality_gap(g, x, upper, low, high), step, system.n_products)


@dataclass
class _State:
    """Primal and dual iterates: x, its sum's distances from the band's ends, multipliers of the box and of the band."""

    x: Vector
    sl: float
    su: float
    zl: Vector
    zu: Vector
    wl: float
    wu: float


def _advance(it: _State, g: Vector, upper: float, system: _System, care: float = 1.0) -> _State:
    """Take one predictor-corrector step; `care` scales the tolerance of its linear systems.

    The slack and the multiplier of the band are eliminated into a rank-one term.
    """
    # an entry within rounding of its bound has `upper - x` equal to zero; the iterates stay inside the box
    xl, xu, sl, su = it.x, np.maximum(upper - it.x, _EPS * upper), it.sl, it.su
    pairs = 2 * len(it.x) + 2
    mu = (float(xl @ it.zl + xu @ it.zu) + sl * it.wl + su * it.wu) / pairs
    ths = it.wl / sl + it.wu / su
    system.factorise(it.zl / xl + it.zu / xu, ths)

    def move(target: tuple[Any, Any, float, float], tol: float, guess: Vector | None) -> _State:
        cl, cu, dl, du = target
        dx = system.solve(cl / xl - cu / xu - g + (dl / sl - du / su), tol, guess)
        ds = float(dx.sum())
        zl, zu = cl / xl - it.zl - it.zl / xl * dx, cu / xu - it.zu + it.zu / xu * dx
        return _State(dx, ds, -ds, zl, zu, dl / sl - it.wl - it.wl / sl * ds, du / su - it.wu + it.wu / su * ds)

    def longest(d: _State) -> float:
        t = min(_ratio(xl, d.x), _ratio(xu, -d.x), _ratio(it.zl, d.zl), _ratio(it.zu, d.zu))
        for value, change in ((sl, d.sl), (su, d.su), (it.wl, d.wl), (it.wu, d.wu)):
            t = min(t, -value / change) if change < 0 else t
        return t

    zero = np.zeros(len(it.x))
    aim = move((zero, zero, 0.0, 0.0), 0.1 * care, None)
    t = min(longest(aim), 1.0)
    after = float((xl + t * aim.x) @ (it.zl + t * aim.zl) + (xu - t * aim.x) @ (it.zu + t * aim.zu))
    after += (sl + t * aim.sl) * (it.wl + t * aim.wl) + (su + t * aim.su) * (it.wu + t * aim.wu)
    aimed = mu * min(max(after / pairs / mu, 1e-6), 1.0) ** 3
    target = (aimed - aim.x * aim.zl, aimed + aim.x * aim.zu, aimed - aim.sl * aim.wl, aimed - aim.su * aim.wu)
    d = move(target, 0.05 * care, aim.x)
    t = min(0.99 * longest(d), 1.0)
    return _State(
        np.minimum(it.x + t * d.x, upper),
        sl + t * d.sl,
        su + t * d.su,
        it.zl + t * d.zl,
        it.zu + t * d.zu,
        it.wl + t * d.wl,
        it.wu + t * d.wu,
    )


class _System:
    """``(H + diag(theta) + ths 11') d = r``, with the low-rank preconditioner."""

    def __init__(self, F: NDArray[Any], diagonal: Vector, product: Any, fast_product: Any) -> None:
        self.F = _Factor(F)
        self.n_products = 0
        # rounding may leave the rest slightly negative, and a zero would let Woodbury's identity cancel
        floor = 1e-12 * float(np.mean(np.einsum("ij,ij->i", F, F, dtype=np.float64)) + np.mean(np.abs(diagonal)))
        self.diagonal = np.maximum(diagonal, 0.0)
        self._product, self._fast = product, fast_product or product
        self.rest = np.maximum(diagonal, max(floor, _TINY))
        if product is not None:
            self.rest = self.rest + 0.3 * np.sqrt(self._top_of_rest() * float(self.rest.mean()))

    def exact(self, v: Vector) -> Vector:
        self.n_products += 1
        if self._product is not None:
            return self._product(v)
        return self.F.right(self.F.left(v)) + self.diagonal * v

    def fast(self, v: Vector) -> Vector:
        if self._fast is None:
            return self.exact(v)
        self.n_products += 1
        return self._fast(v)

    def factorise(self, theta: Vector, ths: float) -> None:
        self.theta, self.ths = theta, ths
        self.inverse = 1.0 / (self.rest + theta)
        gram = self.F.gram(np.sqrt(self.inverse))
        gram[np.diag_indices(len(gram))] += 1.0
        self.factor = linalg.cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
        self.across = self._woodbury(np.ones(len(theta)))

    def _woodbury(self, r: Vector) -> Vector:
        z = self.inverse * r
        inner = linalg.cho_solve(self.factor, self.F.left(z), check_finite=False)
        return z - self.inverse * self.F.right(inner)

    def precondition(self, r: Vector) -> Vector:
        z = self._woodbury(r)
        return z - self.across * (self.ths * float(z.sum()) / (1.0 + self.ths * float(self.across.sum())))

    def solve(self, r: Vector, tol: float, guess: Vector | None, max_iter: int = 300) -> Vector:
        """Solve by conjugate gradients to a relative error in the preconditioned norm."""
        first = self.precondition(r)
        aim = max(tol * tol * float(r @ first), 0.0)
        if self._product is None:
            # the preconditioner is the inverse, up to the digits that Woodbury's identity cancels
            if guess is None:
                return first
            guess = first
        if guess is None:
            d, left, z = np.zeros(len(r)), r, first
        else:
            d = guess.copy()
            left = r - self._apply(d)
            z = self.precondition(left)
        p, rz = z, float(left @ z)
        for _ in range(max_iter):
            if rz <= aim:
                break
            Ap = self._apply(p)
            curvature = float(p @ Ap)
            if curvature <= 0.0:
                break
            a = rz / curvature
            d = d + a * p
            left = left - a * Ap
            z = self.precondition(left)
            rz, before = float(left @ z), rz
            p = z + (rz / before) * p
        return d

    def _apply(self, v: Vector) -> Vector:
        return self.fast(v) + self.theta * v + self.ths * float(v.sum())

    def _top_of_rest(self) -> float:
        """Estimate the largest eigenvalue of ``H - F F'`` roughly."""
        v = np.cos(1.7 * np.arange(len(self.diagonal)) + 0.3)
        top = 0.0
        for _ in range(6):
            norm = float(np.linalg.norm(v))
            if norm == 0.0:
                break
            v = v / norm
            w = self.fast(v) - self.F.right(self.F.left(v))
            top, v = max(top, float(v @ w)), w
        return top


def _trivial(c: Vector, upper: float, low: float, high: float, system: _System) -> BoxQP:
    """Solve a problem without interior: all entries at one bound, or a single entry."""
    n = len(c)
    x = np.full(n, min(max(high / n, 0.0), upper))
    if n == 1:
        h = float(system.exact(np.ones(1))[0])
        x = np.clip(-c / h if h > 0 else np.where(c < 0, high, low), max(low, 0.0), min(high, upper))
    g = system.exact(x) + c
    value = 0.5 * float(x @ (g + c))
    return BoxQP(x, value, duality_gap(g, x, upper, low, high), 0, system.n_products)


class _Factor:
    """Tall matrix, possibly in float32, whose products are made in float64, block by block."""

    def __init__(self, F: NDArray[Any]) -> None:
        self.F = F
        self._buffer = np.empty((min(_BLOCK_ROWS, len(F)), F.shape[1]))

    def _blocks(self) -> Iterator[tuple[slice, Vector]]:
        for start in range(0, len(self.F), _BLOCK_ROWS):
            rows = slice(start, min(start + _BLOCK_ROWS, len(self.F)))
            wide = self._buffer[: rows.stop - start]
            np.copyto(wide, self.F[rows])
            yield rows, wide

    def left(self, v: Vector) -> Vector:
        """Compute ``F' v``."""
        if self.F.dtype == np.float64:
            return self.F.T @ v
        out = np.zeros(self.F.shape[1])
        for rows, wide in self._blocks():
            out += v[rows] @ wide
        return out

    def right(self, w: Vector) -> Vector:
        """Compute ``F w``."""
        if self.F.dtype == np.float64:
            return self.F @ w
        out = np.empty(len(self.F))
        for rows, wide in self._blocks():
            np.dot(wide, w, out=out[rows])
        return out

    def gram(self, scale: Vector) -> NDArray[np.float64]:
        """Compute ``F' diag(scale²) F``."""
        out = np.zeros((self.F.shape[1],) * 2)
        for start in range(0, len(self.F), _BLOCK_ROWS):
            rows = slice(start, min(start + _BLOCK_ROWS, len(self.F)))
            scaled = np.multiply(self.F[rows], scale[rows, None], out=self._buffer[: rows.stop - start])
            out += scaled.T @ scaled
        return out


def _ratio(value: Vector, step: Vector) -> float:
    """Return the longest step that keeps a positive vector positive."""
    worst = float(np.min(step / value))
    return -1.0 / worst if worst < 0 else np.inf
