"""What transfer() hands over: the model, the decision and everything the decision rests on."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.domain import Domain
from landbridge.measurement import Measurement

__all__ = ["Candidate", "Decision", "Result", "load_result", "versions"]


@dataclass(frozen=True)
class Candidate:
    """One way to get a model for the target, and what is known about it.

    Parameters
    ----------
    name : str
        The method's name, or ``"source-only"`` / ``"target-only"``.
    family : str
        ``"baseline"``, ``"instance"``, ``"feature"``, ``"parameter"``, ...
    status : str
        ``"tried"``, ``"failed"`` or ``"skipped"``.
    why : str
        Why it was tried, skipped or how it failed.
    estimate : Measurement or None
        Estimated quality on the target, with interval: what the guard saw.
    gain : Measurement or None
        Estimated gain over the better way of not transferring.
    validators : mapping of str to Measurement
        What each validator said.
    hidden : Measurement or None
        Quality on target labels that no one else saw, if there were any.
    seconds : float
        Wall time of fitting and judging it.
    defensible : bool
        Whether the guard would hand it over.
    """

    name: str
    family: str
    status: str = "tried"
    why: str = ""
    estimate: Measurement | None = None
    gain: Measurement | None = None
    validators: Mapping[str, Measurement] = field(default_factory=dict)
    hidden: Measurement | None = None
    seconds: float = 0.0
    defensible: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the candidate as a plain, JSON-ready dict.

        Returns
        -------
        dict
        """

        def plain(m: Measurement | None) -> Any:
            return None if m is None else m.to_dict()

        return {
            "name": self.name,
            "family": self.family,
            "status": self.status,
            "why": self.why,
            "estimate": plain(self.estimate),
            "gain": plain(self.gain),
            "validators": {k: m.to_dict() for k, m in self.validators.items()},
            "hidden": plain(self.hidden),
            "seconds": self.seconds,
            "defensible": self.defensible,
        }


@dataclass(frozen=True)
class Decision:
    """The guard's verdict.

    Parameters
    ----------
    transferred : bool
        False where the answer is not to transfer.
    chosen : str
        Name of the chosen candidate.
    reason : str
        Why, in a sentence or two.
    evidence : str
        What the verdict rests on: ``"target labels"`` or ``"no target labels"``.
    gain : Measurement or None
        Estimated gain of the chosen candidate over not transferring.
    """

    transferred: bool
    chosen: str
    reason: str
    evidence: str
    gain: Measurement | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as a plain, JSON-ready dict.

        Returns
        -------
        dict
        """
        return {
            "transferred": self.transferred,
            "chosen": self.chosen,
            "reason": self.reason,
            "evidence": self.evidence,
            "gain": None if self.gain is None else self.gain.to_dict(),
        }


@dataclass(frozen=True)
class Result:
    """The answer to *how*: a model that can be defended, and its defence.

    Parameters
    ----------
    model : estimator
        The fitted model of the chosen candidate; ``predict`` takes target rows.
    decision : Decision
        What was chosen and why.
    candidates : tuple of Candidate
        Every candidate, the two ways of not transferring first.
    diagnosis : Diagnosis
        What measure() found.
    task : {"classification", "regression"}
    metric : str
        Name of the quality that `estimate` and `hidden` are in: ``"accuracy"`` or ``"R²"``.
    source, target : Domain or None
        The data; not saved, so None after loading.
    hidden_labels : ndarray or None
        Target labels that were kept out of everything, object array with None where there is none; not saved.
    encoder : object or None
        Turns raw rows (text columns, gaps) into numbers; None where rows were numbers already.
    settings : mapping
        Arguments, seed and versions: how to reproduce it.
    timings : mapping of str to float
        Seconds by step.

    Examples
    --------
    >>> from landbridge import transfer
    >>> from landbridge.data import make_shift
    >>> source, target = make_shift("translation", random_state=0)
    >>> result = transfer(source, target, target_labels="hide", methods=["DomainScaler"])
    >>> result.predict(target.X).shape == (len(target),)
    True
    >>> [c.name for c in result.candidates][0]
    'source-only'
    """

    model: Any
    decision: Decision
    candidates: tuple[Candidate, ...]
    diagnosis: Diagnosis
    task: str
    metric: str
    source: Domain | None = None
    target: Domain | None = None
    hidden_labels: NDArray[Any] | None = None
    encoder: Any = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{'transfer' if self.decision.transferred else 'do not transfer'}: {self.decision.reason}"

    def __getitem__(self, name: str) -> Candidate:
        for candidate in self.candidates:
            if candidate.name == name:
                return candidate
        raise KeyError(f"no candidate {name!r}; there are {', '.join(c.name for c in self.candidates)}")

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict for target rows with the chosen model.

        Parameters
        ----------
        X : array-like, DataFrame or Domain
            Target rows; raw rows where the result has an encoder.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.model.predict(self._rows(X))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities for target rows with the chosen model.

        Parameters
        ----------
        X : array-like, DataFrame or Domain
            Target rows; raw rows where the result has an encoder.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self.model.predict_proba(self._rows(X))

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the model and the data as a plain, JSON-ready dict.

        Returns
        -------
        dict
        """
        return {
            "decision": self.decision.to_dict(),
            "candidates": [c.to_dict() for c in self.candidates],
            "diagnosis": self.diagnosis.to_dict(),
            "task": self.task,
            "metric": self.metric,
            "settings": dict(self.settings),
            "timings": dict(self.timings),
        }

    def save(self, folder: str | Path) -> Path:
        """Save the model (skops) and everything else (JSON) into a folder.

        Parameters
        ----------
        folder : str or Path
            Made if it does not exist.

        Returns
        -------
        Path
            The folder.
        """
        from landbridge.verbs._persist import save

        return save(self, Path(folder))

    def _rows(self, X: Any) -> Any:
        if isinstance(X, Domain):
            return X.frame()
        if self.encoder is None:
            return X
        rows = self.encoder.transform(X)
        # With the names that the model was fitted with; images and arrays have none.
        return Domain(rows)._with_columns(list(self.encoder.columns_) or None).frame()


def load_result(folder: str | Path) -> Result:
    """Load a saved result; nothing in the folder is ever executed.

    Parameters
    ----------
    folder : str or Path
        Where :meth:`Result.save` put it.

    Returns
    -------
    Result
        Without the data.

    Raises
    ------
    ReadError
        If the folder holds no result.
    UntrustedModelError
        If a file was changed after saving, or holds types that are not allowed.

    Examples
    --------
    >>> import tempfile
    >>> from landbridge import load_result, transfer
    >>> from landbridge.data import make_shift
    >>> source, target = make_shift("translation", random_state=0)
    >>> result = transfer(source, target, target_labels="hide", methods=["DomainScaler"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = load_result(result.save(folder))
    >>> again.decision == result.decision
    True
    """
    from landbridge.verbs._persist import load

    return load(Path(folder))


def versions() -> dict[str, str]:
    """Versions of what a result depends on.

    Returns
    -------
    dict of str to str
    """
    from importlib.metadata import version

    import scipy
    import sklearn

    return {
        "landbridge": version("landbridge"),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }
