"""Class priors of an unlabelled target from a source classifier: EM (MLLS) and moment matching (BBSE)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

__all__ = ["bbse_priors", "em_priors", "shift_posterior"]


def shift_posterior(
    proba: NDArray[np.float64], source_priors: NDArray[np.float64], target_priors: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Adjust class probabilities from one set of priors to another, by Bayes' rule.

    .. math:: p_T(c \mid x) \propto p_S(c \mid x)\, \frac{\pi_T(c)}{\pi_S(c)}

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Class probabilities under the source priors.
    source_priors, target_priors : ndarray of shape (n_classes,)
        Class shares.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import shift_posterior
    >>> shift_posterior(np.array([[0.5, 0.5]]), np.array([0.5, 0.5]), np.array([0.2, 0.8])).round(2).tolist()
    [[0.2, 0.8]]
    """
    ratio = np.divide(target_priors, source_priors, out=np.zeros(len(source_priors)), where=source_priors > 0)
    shifted = proba * ratio
    total = shifted.sum(axis=1, keepdims=True)
    return np.divide(shifted, total, out=np.full_like(shifted, 1.0 / shifted.shape[1]), where=total > 0)


def em_priors(
    proba_target: NDArray[np.float64],
    source_priors: NDArray[np.float64],
    *,
    sample_weight: NDArray[np.float64] | None = None,
    tol: float = 1e-8,
    max_iter: int = 1000,
) -> NDArray[np.float64]:
    r"""Estimate the class priors of the target by maximum likelihood, with expectation-maximisation.

    The likelihood of the target samples under pure label shift is concave in the shares, so that there is one optimum:

    .. math:: \pi_T \leftarrow \frac{1}{n} \sum_i
              \frac{p_S(c \mid x_i)\, \pi_T(c) / \pi_S(c)}{\sum_k p_S(k \mid x_i)\, \pi_T(k) / \pi_S(k)}

    Parameters
    ----------
    proba_target : ndarray of shape (n_samples, n_classes)
        Class probabilities of the target samples by a classifier trained (and calibrated) on the source.
    source_priors : ndarray of shape (n_classes,)
        Class shares that the classifier was trained under.
    sample_weight : ndarray of shape (n_samples,), optional
        Weight of each sample, for example how often a bootstrap drew it.
    tol : float, default=1e-8
        Stop when no share changes by more.
    max_iter : int, default=1000
        Largest number of iterations. They are accelerated (SQUAREM), so that few are needed even for weak classifiers.

    Returns
    -------
    ndarray of shape (n_classes,)
        Shares that sum to one. Classes absent from the source stay at zero.

    Notes
    -----
    Time grows with n_samples x n_classes per iteration; memory with one such matrix.

    References
    ----------
    .. [1] M. Saerens, P. Latinne, C. Decaestecker. Adjusting the outputs of a classifier to new a priori
       probabilities. Neural Computation 14, 2002.
    .. [2] A. Alexandari, A. Kundaje, A. Shrikumar. Maximum likelihood with bias-corrected calibration is
       hard-to-beat at label shift adaptation. ICML 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import em_priors
    >>> proba = np.repeat([[1.0, 0.0], [0.0, 1.0]], [20, 80], axis=0)
    >>> em_priors(proba, np.array([0.8, 0.2])).round(2).tolist()
    [0.2, 0.8]
    """
    source = np.asarray(source_priors, dtype=float)
    source = source / source.sum()
    likelihood = np.divide(proba_target, source, out=np.zeros(np.shape(proba_target)), where=source > 0)
    weight = np.ones(len(likelihood)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    weight = np.where(likelihood.sum(axis=1) > 0, weight, 0.0)
    if not weight.sum() > 0:
        return source
    weight = weight / weight.sum()

    def step(shares: NDArray[np.float64]) -> NDArray[np.float64]:
        mixed = likelihood @ shares
        return shares * (likelihood.T @ np.divide(weight, mixed, out=np.zeros_like(mixed), where=mixed > 0))

    shares = source
    for _ in range(max_iter):
        first = step(shares)
        if np.abs(first - shares).max() <= tol:
            return first / first.sum()
        second = step(first)
        r, v = first - shares, second - 2 * first + shares
        curvature = np.linalg.norm(v)
        new = second
        if curvature > 0:
            length = max(1.0, float(np.linalg.norm(r) / curvature))
            jump = shares + 2 * length * r + length**2 * v
            # A step out of the simplex would lose a class: EM never changes a zero.
            if jump.min() >= 0 and (jump[second > 0] > 0).all():
                new = step(jump / jump.sum())
                if _log_likelihood(likelihood, weight, new) < _log_likelihood(likelihood, weight, second):
                    new = second
        shares = new
    return shares / shares.sum()


def bbse_priors(joint_confusion: NDArray[np.float64], mean_prediction: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Estimate the class priors of the target by matching predictions (black-box shift estimation).

    With :math:`C_{jk} = P_S(\hat y = j, y = k)` and :math:`q_j = P_T(\hat y = j)`, pure label shift means
    :math:`C w = q` for the class weights :math:`w = \pi_T / \pi_S`. Solved here by non-negative least squares, so
    that a nearly singular confusion gives zeros rather than negative shares.

    Parameters
    ----------
    joint_confusion : ndarray of shape (n_predicted, n_classes)
        Joint shares (or counts) of predicted class (rows) and true class (columns) on held-out source samples.
    mean_prediction : ndarray of shape (n_predicted,)
        Shares of the predicted classes (or mean probabilities) on the target.

    Returns
    -------
    ndarray of shape (n_classes,)
        Shares that sum to one.

    References
    ----------
    .. [1] Z. Lipton, Y.-X. Wang, A. Smola. Detecting and correcting for label shift with black box predictors.
       ICML 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.numerics import bbse_priors
    >>> bbse_priors(np.array([[0.7, 0.0], [0.1, 0.2]]), np.array([0.175, 0.825])).round(2).tolist()
    [0.2, 0.8]
    """
    C = np.asarray(joint_confusion, dtype=float)
    C = C / C.sum()
    priors = C.sum(axis=0)
    q = np.asarray(mean_prediction, dtype=float)
    weights, _ = nnls(C, q / q.sum())
    shares = weights * priors
    return shares / shares.sum() if shares.sum() > 0 else priors


def _log_likelihood(likelihood: NDArray, weight: NDArray, shares: NDArray) -> float:
    mixed = likelihood @ shares
    live = weight > 0
    return float(weight[live] @ np.log(np.maximum(mixed[live], 1e-300)))
