"""Transferability of each stage, after Yosinski et al., for any two tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.exceptions import InputError
from landbridge.neural._estimator import NeuralClassifier
from landbridge.neural.parameter._layer_transfer import LayerTransfer

__all__ = ["LayerStudy", "layer_study"]

KINDS = ("BnB", "BnB+", "AnB", "AnB+")


@dataclass(frozen=True)
class LayerStudy:
    """Accuracies on task B of networks whose first n stages were transferred.

    Parameters
    ----------
    stages : tuple of str
        Names; entry n of a curve is for the first n of them.
    base : ndarray of shape (n_seeds,)
        Trained on B alone.
    curves : dict of str to ndarray of shape (n_stages, n_seeds)
        ``"BnB"`` and ``"BnB+"`` (stages from another run on B, frozen or tuned), ``"AnB"`` and ``"AnB+"`` (from A).
    """

    stages: tuple[str, ...]
    base: NDArray[np.float64]
    curves: dict[str, NDArray[np.float64]]

    def __str__(self) -> str:
        head = " ".join(f"{k:>7s}" for k in KINDS)
        lines = [f"base B {self.base.mean():.3f}", f"{'n':>3s} {'last stage':14s} {head}"]
        for n, name in enumerate(self.stages):
            values = " ".join(f"{self.curves[k][n].mean():7.3f}" for k in KINDS)
            lines.append(f"{n + 1:3d} {name:14s} {values}")
        return "\n".join(lines)

    def plot(self, path: str | Path) -> Path:
        """Draw the curves.

        Parameters
        ----------
        path : str or Path
            Of a svg, png or pdf file.

        Returns
        -------
        Path
        """
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 4.5), layout="constrained")
        axes = figure.add_subplot()
        x = np.arange(1, len(self.stages) + 1)
        for kind, marker in zip(KINDS, "osv^", strict=True):
            values = self.curves[kind]
            axes.errorbar(x, values.mean(axis=1), yerr=values.std(axis=1), marker=marker, capsize=2, label=kind)
        axes.axhline(self.base.mean(), color="0.5", linestyle=":", label="base B")
        axes.set_xticks(x, [f"{n}\n{s}" for n, s in zip(x, self.stages, strict=True)])
        axes.set_xlabel("stages transferred")
        axes.set_ylabel("accuracy on B")
        axes.legend(frameon=False)
        path = Path(path)
        figure.savefig(path)
        return path


def layer_study(
    A: tuple[Any, Any],
    B: tuple[Any, Any],
    B_test: tuple[Any, Any],
    *,
    backbone: Any = "builtin",
    epochs: int = 20,
    seeds: Sequence[int] = (0, 1, 2),
    **settings: Any,
) -> LayerStudy:
    """Transfer the first n stages of networks trained on A, or on B, to B, frozen and fine-tuned, for every n.

    Parameters
    ----------
    A, B : (X, y) tuple
        Training samples of the two tasks; their classes may differ.
    B_test : (X, y) tuple
        Held-out samples of B.
    backbone : str or Network, default="builtin"
        The architecture; it starts from random weights.
    epochs : int, default=20
        Of each training.
    seeds : sequence of int, default=(0, 1, 2)
    **settings : object
        Further parameters of :class:`NeuralClassifier`, for example `image_shape`.

    Returns
    -------
    LayerStudy

    Raises
    ------
    InputError
        If there is no seed.

    Notes
    -----
    Two trainings and four for each stage, for each seed.

    References
    ----------
    .. [1] J. Yosinski, J. Clune, Y. Bengio, H. Lipson. How transferable are features in deep neural networks?
       NeurIPS 2014.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import layer_study
    >>> printed, digits = load_builtin("printed").take(range(200)), load_builtin("handwritten").take(range(300))
    >>> B, test = digits.take(range(100)), digits.take(range(100, 300))
    >>> study = layer_study(
    ...     (printed.X, printed.y), (B.X, B.y), (test.X, test.y), epochs=2, seeds=[0], image_shape=(8, 8)
    ... )
    >>> study.curves["AnB"].shape
    (4, 1)
    """
    if not len(seeds):
        raise InputError("seeds is empty; give at least one.")
    base: list[float] = []
    curves: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
    names: tuple[str, ...] = ()
    for seed in seeds:

        def fit(rows: tuple[Any, Any], start: Any, methods: Any, shift: int, seed: int = seed) -> NeuralClassifier:
            model = NeuralClassifier(
                start,
                methods=methods,
                pretrained=start is not backbone,
                epochs=epochs,
                random_state=1000 * shift + seed,
                **settings,
            )
            return model.fit(*rows)

        from_a, from_b = fit(A, backbone, [], 1), fit(B, backbone, [], 2)
        base.append(fit(B, backbone, [], 3).score(*B_test))
        names = from_b.network_.stage_names
        for source, kind in ((from_b, "BnB"), (from_a, "AnB")):
            for frozen, mark in ((True, ""), (False, "+")):
                curves[kind + mark].append(
                    [
                        fit(B, source.network_, [LayerTransfer(n, frozen=frozen, random_state=seed)], 3).score(*B_test)
                        for n in range(1, len(names) + 1)
                    ]
                )
    return LayerStudy(names, np.array(base), {k: np.array(v).T for k, v in curves.items()})
