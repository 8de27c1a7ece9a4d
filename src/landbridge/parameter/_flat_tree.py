"""Decision tree as plain arrays, so that its thresholds and leaves can be changed one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FlatTree"]


@dataclass
class FlatTree:
    """Binary classification tree as arrays; parents come before their children.

    Parameters
    ----------
    left, right : ndarray of int, shape (n_nodes,)
        Children of each node; -1 in a leaf.
    feature : ndarray of int, shape (n_nodes,)
        Feature that the node splits on.
    threshold : ndarray of shape (n_nodes,)
        Samples with a value at or below it go left.
    value : ndarray of shape (n_nodes, n_classes)
        Class shares of each node.
    """

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    feature: NDArray[np.intp]
    threshold: NDArray[np.float64]
    value: NDArray[np.float64]

    @classmethod
    def of(cls, fitted: Any, codes: NDArray[np.intp] | None = None, n_classes: int | None = None) -> FlatTree:
        """Copy a fitted scikit-learn classification tree.

        Parameters
        ----------
        fitted : DecisionTreeClassifier
            Fitted tree.
        codes : ndarray of int, default=None
            Position of each class of the tree among `n_classes`. If None, the tree has all classes.
        n_classes : int, default=None
            Number of classes. If None, that of the tree.

        Returns
        -------
        tree : FlatTree
            The copy.
        """
        t = fitted.tree_
        shares = t.value[:, 0, :] / t.value[:, 0, :].sum(axis=1, keepdims=True)
        if codes is not None and n_classes is not None:
            wide = np.zeros((len(shares), n_classes))
            wide[:, codes] = shares
            shares = wide
        left, right = t.children_left.astype(np.intp), t.children_right.astype(np.intp)
        return cls(left, right, t.feature.astype(np.intp), t.threshold.astype(np.float64), shares)

    def copy(self) -> FlatTree:
        """Copy the tree.

        Returns
        -------
        tree : FlatTree
            The copy.
        """
        return FlatTree(
            self.left.copy(), self.right.copy(), self.feature.copy(), self.threshold.copy(), self.value.copy()
        )

    def __len__(self) -> int:
        return len(self.left)

    def goes_left(self, X: NDArray[np.float64], node: Any) -> NDArray[np.bool_]:
        """Compute which samples go left at a node, or each at its own node.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Samples.
        node : int or ndarray of int, shape (n_samples,)
            Node, or node of each sample.

        Returns
        -------
        left : ndarray of bool, shape (n_samples,)
            True for the samples that go left.
        """
        values = X[np.arange(len(X)), self.feature[node]]
        # scikit-learn's trees compare in single precision
        return values.astype(np.float32) <= self.threshold[node]

    def apply(self, X: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the leaf of each sample.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        leaf : ndarray of int, shape (n_samples,)
            Node number of the leaf.
        """
        node = np.zeros(len(X), dtype=np.intp)
        rows = np.flatnonzero(self.left[node] >= 0)
        while len(rows):
            here = node[rows]
            node[rows] = np.where(self.goes_left(X[rows], here), self.left[here], self.right[here])
            rows = rows[self.left[node[rows]] >= 0]
        return node

    def predict_proba(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the class shares of the leaf of each sample.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Class shares.
        """
        return self.value[self.apply(X)]

    def visit(self, X: NDArray[np.float64]) -> Iterator[tuple[int, NDArray[np.intp]]]:
        """Iterate over the nodes of the tree, parents first, with the indices of the samples that reach them.

        A node may be changed when it is visited; its children are then visited as changed.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Samples.

        Yields
        ------
        node : int
            Node number.
        rows : ndarray of int
            Indices of the samples that reach the node.
        """
        pending: list[tuple[int, NDArray[np.intp]]] = [(0, np.arange(len(X)))]
        while pending:
            node, rows = pending.pop()
            yield node, rows
            if self.left[node] >= 0:
                goes = self.goes_left(X[rows], node)
                pending.append((int(self.right[node]), rows[~goes]))
                pending.append((int(self.left[node]), rows[goes]))

    def cut(self, node: int, value: NDArray[np.float64]) -> None:
        """Turn a node into a leaf.

        Parameters
        ----------
        node : int
            Node number.
        value : ndarray of shape (n_classes,)
            Class shares of the leaf.
        """
        self.left[node] = self.right[node] = self.feature[node] = -1
        self.value[node] = value

    def graft(self, node: int, other: FlatTree) -> None:
        """Replace a leaf by another tree.

        Parameters
        ----------
        node : int
            Node number of the leaf.
        other : FlatTree
            Tree that replaces it.
        """
        shift = len(self) - 1  # the root replaces the leaf, the other nodes are appended

        def moved(children: NDArray[np.intp]) -> NDArray[np.intp]:
            return np.where(children >= 0, children + shift, -1)

        self.left = np.concatenate([self.left, moved(other.left[1:])])
        self.right = np.concatenate([self.right, moved(other.right[1:])])
        self.feature = np.concatenate([self.feature, other.feature[1:]])
        self.threshold = np.concatenate([self.threshold, other.threshold[1:]])
        self.value = np.concatenate([self.value, other.value[1:]])
        self.left[node], self.right[node] = moved(other.left[:1])[0], moved(other.right[:1])[0]
        self.feature[node], self.threshold[node] = other.feature[0], other.threshold[0]
        self.value[node] = other.value[0]
