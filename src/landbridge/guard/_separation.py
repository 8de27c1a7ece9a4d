"""Separation of neighbouring samples: the mutual information of their labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.guard._evidence import standard_error
from landbridge.measurement import Measurement

__all__ = ["neighbour_information", "separation_gain"]


def neighbour_information(graph: Any, labels: NDArray[np.intp], n_classes: int) -> NDArray[np.float64]:
    r"""Compute the information in each sample's label about its neighbours' labels; the mean is mutual information.

    .. math:: I = \sum_{a, b} p_{ab} \log \frac{p_{ab}}{\pi_a \pi_b}

    with :math:`p_{ab}` the share of links from class ``a`` to class ``b`` and :math:`\pi` its margins. It is zero for
    random labels and for a single class, and the entropy of the classes where no link joins two of them. Labels that
    split a cluster lower it, and so do labels that merge clusters: unlike a cut, it needs no number of classes.

    Parameters
    ----------
    graph : csr_matrix of shape (n_samples, n_samples)
        Symmetric links between neighbours; their weights are ignored.
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
    >>> clusters, one = np.array([0, 0, 0, 1, 1, 1]), np.zeros(6, dtype=int)
    >>> [round(float(neighbour_information(graph, labels, 2).mean()), 2) for labels in (clusters, one)]
    [0.69, 0.0]
    """
    degree = np.diff(graph.indptr)
    samples = np.repeat(np.arange(len(labels)), degree)
    pairs = labels[samples] * n_classes + labels[graph.indices]
    joint = np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes) / max(len(pairs), 1)
    margin = joint.sum(axis=1)
    information = np.zeros_like(joint)
    np.divide(joint, np.outer(margin, margin), out=information, where=joint > 0)
    np.log(information, out=information, where=joint > 0)
    total = np.bincount(samples, weights=information.ravel()[pairs], minlength=len(labels))
    return np.asarray(total / max(float(degree.mean()), 1e-12))


def separation_gain(
    graph: Any, base: NDArray[np.intp], labels: NDArray[np.intp], n_classes: int, groups: Any = None
) -> Measurement:
    """Compare the neighbour information of some labels with that of others.

    Samples of a class mostly lie close to one another (the cluster assumption), so that labels nearer to the true ones
    carry more information about their neighbours', whatever model predicted them. Methods that share an error, such as
    mixing classes whose shares differ between the domains, agree with one another, but their labels carry less.

    Parameters
    ----------
    graph : csr_matrix of shape (n_samples, n_samples)
        Links between neighbours.
    base : ndarray of int, shape (n_samples,)
        Labels to compare with.
    labels : ndarray of int, shape (n_samples,)
    n_classes : int
    groups : array-like of shape (n_samples,), optional
        Samples that count as one observation. If None, each does.

    Returns
    -------
    Measurement
        Difference in nats, positive where `labels` carry more; ``details["z"]`` is its z-score over the samples.
    """
    difference = neighbour_information(graph, labels, n_classes) - neighbour_information(graph, base, n_classes)
    error = standard_error(difference, groups)
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
