"""A witness that knows no method: how much do the labels of rows that lie together tell of one another?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.measurement import Measurement

__all__ = ["neighbour_information", "separation_gain"]


def neighbour_information(graph: Any, labels: NDArray[np.intp], n_classes: int) -> NDArray[np.float64]:
    r"""What each row's label tells of its neighbours' labels; the mean is their mutual information.

    .. math:: I = \sum_{a, b} p_{ab} \log \frac{p_{ab}}{\pi_a \pi_b}

    with :math:`p_{ab}` the share of links from class ``a`` to class ``b`` and :math:`\pi` its margins. Zero for
    labels given by chance and for a single class; the entropy of the classes where they are islands. Labels that cut
    through islands lose by it, and so do labels that merge them: unlike a cut, it needs no choice of how fine classes
    should be.

    Parameters
    ----------
    graph : csr_matrix of shape (n_samples, n_samples)
        Links between neighbours, symmetric; only where they are counts, not how strong.
    labels : ndarray of int, shape (n_samples,)
        Class numbers.
    n_classes : int

    Returns
    -------
    ndarray of shape (n_samples,)
        In nats.

    References
    ----------
    .. [1] O. Chapelle, A. Zien. Semi-supervised classification by low density separation. AISTATS 2005.
    .. [2] T. M. Cover, J. A. Thomas. Elements of information theory. Wiley, 1991.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import block_diag
    >>> from landbridge.guard import neighbour_information
    >>> graph = block_diag([np.ones((3, 3)), np.ones((3, 3))], format="csr")
    >>> islands, one = np.array([0, 0, 0, 1, 1, 1]), np.zeros(6, dtype=int)
    >>> [round(float(neighbour_information(graph, labels, 2).mean()), 2) for labels in (islands, one)]
    [0.69, 0.0]
    """
    degree = np.diff(graph.indptr)
    rows = np.repeat(np.arange(len(labels)), degree)
    pairs = labels[rows] * n_classes + labels[graph.indices]
    joint = np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes) / max(len(pairs), 1)
    margin = joint.sum(axis=1)
    told = np.zeros_like(joint)
    np.divide(joint, np.outer(margin, margin), out=told, where=joint > 0)
    np.log(told, out=told, where=joint > 0)
    return np.bincount(rows, weights=told.ravel()[pairs], minlength=len(labels)) / max(float(degree.mean()), 1e-12)


def separation_gain(graph: Any, base: NDArray[np.intp], labels: NDArray[np.intp], n_classes: int) -> Measurement:
    """How much more the labels of neighbouring rows tell of one another under some labels than under others.

    Rows of a class mostly lie together (the cluster assumption), so labels nearer to the truth carry more information
    from row to row, whatever made them. Methods that share an error, such as mixing classes whose shares differ
    between the domains, agree with one another, but not with the rows.

    Parameters
    ----------
    graph : csr_matrix of shape (n_samples, n_samples)
        Links between neighbours.
    base : ndarray of int, shape (n_samples,)
        Labels to compare with.
    labels : ndarray of int, shape (n_samples,)
    n_classes : int

    Returns
    -------
    Measurement
        Difference in nats, positive where `labels` tell more; ``details["z"]`` is it in standard errors over rows.
    """
    difference = neighbour_information(graph, labels, n_classes) - neighbour_information(graph, base, n_classes)
    error = float(difference.std()) / np.sqrt(len(difference))
    value = float(difference.mean())
    return Measurement(
        "separation gain",
        value,
        low=value - 1.96 * error,
        high=value + 1.96 * error,
        null=0.0,
        higher_is_better=True,
        details={"z": value / error if error > 0 else 0.0},
    )
