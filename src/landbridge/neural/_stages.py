"""Which layers to transfer: probes of every stage of a network on labelled samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge.exceptions import LabelError
from landbridge.neural._inputs import to_tensors
from landbridge.neural._network import Network, pool
from landbridge.neural._samples import Samples
from landbridge.transferability._logme import logme

__all__ = ["Stage", "StageReport", "linear_cka", "stages"]


@dataclass(frozen=True)
class Stage:
    """Scores of one stage of a network.

    Parameters
    ----------
    name : str
    width : int
        Channels.
    probe : float
        Cross-validated accuracy of a linear classifier on its pooled features.
    logme : float
        Evidence of a linear model on them, in nats per sample.
    cka : float
        Resemblance to the stage before it, from 0 to 1; 1 for the first.
    """

    name: str
    width: int
    probe: float
    logme: float
    cka: float


@dataclass(frozen=True)
class StageReport:
    """Scores of each stage of a network on labelled samples.

    Parameters
    ----------
    table : tuple of Stage
        From the input on; the embedding last.
    features : dict of str to ndarray of shape (n, width)
        Pooled features.
    labels : ndarray of shape (n,)
    """

    table: tuple[Stage, ...]
    features: dict[str, NDArray[np.float64]]
    labels: NDArray[Any]

    @property
    def best(self) -> str:
        """The stage whose probe is best: transfer up to here."""
        return max(self.table, key=lambda s: s.probe).name

    def __str__(self) -> str:
        lines = [f"{'stage':20s} {'width':>6s} {'probe':>7s} {'logme':>8s} {'cka':>6s}"]
        lines += [f"{s.name:20s} {s.width:6d} {s.probe:7.3f} {s.logme:8.3f} {s.cka:6.3f}" for s in self.table]
        return "\n".join([*lines, f"transfer up to {self.best}"])

    def plot(self, path: str | Path) -> Path:
        """Draw the probes along the stages, and the samples as four of the stages see them.

        Parameters
        ----------
        path : str or Path
            Of a svg, png or pdf file.

        Returns
        -------
        Path
        """
        from matplotlib.figure import Figure

        names = [s.name for s in self.table]
        shown = [names[i] for i in np.unique(np.linspace(0, len(names) - 1, 4).astype(int))]
        figure = Figure(figsize=(10, 6), layout="constrained")
        grid = figure.add_gridspec(2, len(shown))
        top = figure.add_subplot(grid[0, :])
        top.plot(names, [s.probe for s in self.table], marker="o", label="linear probe, accuracy")
        top.plot(names, [s.cka for s in self.table], marker="s", color="0.6", label="resemblance to the stage before")
        top.set_ylim(0, 1.02)
        top.tick_params(axis="x", rotation=60 if len(names) > 8 else 0)
        top.legend(frameon=False)
        _, codes = np.unique(self.labels, return_inverse=True)
        for k, name in enumerate(shown):
            Z = self.features[name] - self.features[name].mean(axis=0)
            U, s, _ = np.linalg.svd(Z, full_matrices=False)
            axes = figure.add_subplot(grid[1, k])
            plane = np.zeros((len(Z), 2))
            plane[:, : min(2, len(s))] = U[:, :2] * s[:2]
            axes.scatter(plane[:, 0], plane[:, 1], c=codes, cmap="tab10", s=8)
            axes.set_title(name, fontsize=9)
            axes.set_xticks([])
            axes.set_yticks([])
        path = Path(path)
        figure.savefig(path)
        return path


def linear_cka(A: NDArray[np.float64], B: NDArray[np.float64]) -> float:
    r"""Compute the centred kernel alignment (CKA) with linear kernels.

    .. math:: \lVert A^\top B \rVert_F^2 / (\lVert A^\top A \rVert_F \lVert B^\top B \rVert_F)

    Parameters
    ----------
    A : ndarray of shape (n, d)
    B : ndarray of shape (n, k)

    Returns
    -------
    float
        From 0 to 1; blind to turning and scaling of the columns.

    References
    ----------
    .. [1] S. Kornblith, M. Norouzi, H. Lee, G. Hinton. Similarity of neural network representations revisited.
       ICML 2019.
    """
    A, B = A - A.mean(axis=0), B - B.mean(axis=0)
    below = np.linalg.norm(A.T @ A) * np.linalg.norm(B.T @ B)
    return float(np.linalg.norm(A.T @ B) ** 2 / below) if below > 0 else 0.0


def stages(
    network: Network, X: Any, y: Any, *, n_splits: int = 5, batch_size: int = 64, random_state: Any = None
) -> StageReport:
    """Score every stage of a network on labelled samples, to choose which layers to transfer.

    Parameters
    ----------
    network : Network
        From :func:`load_backbone`, or ``network_`` of a fitted estimator.
    X : ndarray
        Images (n, height, width[, channels]), a table, texts or paths, as the network reads them.
    y : array-like of shape (n,)
        Classes.
    n_splits : int, default=5
        Of the probes' cross-validation; fewer where a class has fewer samples.
    batch_size : int, default=64
    random_state : int, RandomState instance or None, default=None
        Draws the folds.

    Returns
    -------
    StageReport
        ``print()`` it, or ``plot()`` it.

    Raises
    ------
    LabelError
        If the labels do not fit, or a class has one sample only.

    Notes
    -----
    One pass over the samples, then a logistic regression of n samples a stage and fold.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import load_backbone, stages
    >>> digits = load_builtin("handwritten").take(range(300))
    >>> report = stages(load_backbone("builtin"), digits.X.reshape(-1, 8, 8), digits.y, random_state=0)
    >>> [s.name for s in report.table]
    ['edges', 'strokes', 'parts', 'shapes', 'embedding']
    >>> report.table[-1].probe > report.table[0].probe
    True
    """
    labels = np.asarray(y)
    X = X if isinstance(X, np.ndarray) else np.asarray(X)
    if labels.shape != (len(X),):
        raise LabelError(f"y has shape {labels.shape} but X has {len(X)} samples; give one label per sample.")
    _, counts = np.unique(labels, return_counts=True)
    if len(counts) < 2 or counts.min() < 2:
        raise LabelError("y needs two classes or more with two samples or more each.")
    seen = _features(network, to_tensors(network, X), batch_size)
    folds = StratifiedKFold(min(n_splits, int(counts.min())), shuffle=True, random_state=random_state)
    table: list[Stage] = []
    before: NDArray[np.float64] | None = None
    for name, F in seen.items():
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
        accuracy = float(cross_val_score(probe, F, labels, cv=folds).mean())
        evidence = logme(features=F, target_labels=labels, n_bootstrap=0, n_permutations=0).value
        table.append(Stage(name, F.shape[1], accuracy, evidence, 1.0 if before is None else linear_cka(before, F)))
        before = F
    return StageReport(tuple(table), seen, labels)


def _features(network: Network, inputs: Any, batch_size: int) -> dict[str, NDArray[np.float64]]:
    names = (*network.stage_names, "embedding")
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in names}
    training, device = network.training, next(network.parameters()).device
    network.eval()
    rows = Samples(inputs)
    try:
        with torch.inference_mode():
            for cut in torch.arange(len(rows), device=rows.device).split(batch_size):
                _, raw = network(rows.take(cut, device)[0], names)
                for name in names:
                    found[name].append(pool(raw[name]).double().cpu().numpy())
    finally:
        network.train(training)
    return {name: np.concatenate(parts) for name, parts in found.items()}
