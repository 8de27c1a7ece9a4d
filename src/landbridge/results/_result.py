"""Result of transfer(): the model, the decision and the evidence for it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landbridge._checks import check_path
from landbridge.data._inspection import Inspection
from landbridge.discrepancy._diagnosis import Diagnosis
from landbridge.domain import Domain
from landbridge.presentation import Presentable
from landbridge.results._candidate import Candidate, Decision
from landbridge.results._expected import Expected
from landbridge.results._new_samples import samples_for

__all__ = ["Result", "load_result", "versions"]


@dataclass(frozen=True, repr=False)
class Result(Presentable):
    """Model for the target, the guard's decision, and every candidate with its evidence.

    Parameters
    ----------
    model : estimator
        The fitted model of the chosen candidate; ``predict`` takes target samples.
    decision : Decision
        What was chosen and why.
    candidates : tuple of Candidate
        Every candidate, the baselines first.
    diagnosis : Diagnosis
        Diagnosis of the shift.
    task : {"classification", "regression"}
    metric : str
        Name of the score that `estimate` and `hidden` are in: ``"accuracy"``, ``"R²"`` or that of a scorer.
    source, target : Domain or None
        The data; not saved, so None after loading.
    hidden_labels : ndarray or None
        Hidden target labels, None where a label is not hidden; not saved.
    encoder : object or None
        Encodes raw rows (text columns, gaps); None where they were numbers already.
    settings : mapping
        Every argument that was used, what was inferred, and versions.
    timings : mapping of str to float
        Seconds by step.
    scores : mapping
        Further scores of the chosen model on labels that it was not fitted on; empty where there are none. For classes
        AUC, sensitivity, specificity, Brier score and calibration error, for values R², RMSE and MAE.
    expected : Expected or None
        How good the model will be on the target, with an interval; None for clusterings.
    inspection : Inspection or None
        Facts about the data as they were read; None where the source is a network or a model.

    Attributes
    ----------
    notes : list of str
        What limits the evidence, such as labelled samples that are repeats of one another.

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
    scores: Mapping[str, Any] = field(default_factory=dict)
    expected: Expected | None = None
    inspection: Inspection | None = None

    @property
    def notes(self) -> list[str]:
        """What limits the evidence."""
        return list(self.settings.get("notes", ()))

    def __repr__(self) -> str:
        tried = sum(c.status == "tried" for c in self.candidates)
        return f"Result({self.decision.chosen!r}, transferred={self.decision.transferred}, {tried} candidates tried)"

    def __str__(self) -> str:
        head = f"{'transfer' if self.decision.transferred else 'do not transfer'}: {self.decision.reason}"
        return "\n".join([head, *(f"Note: {note}" for note in self.notes)])

    def __getitem__(self, name: str) -> Candidate:
        for candidate in self.candidates:
            if candidate.name == name:
                return candidate
        raise KeyError(f"no candidate {name!r}; there are {', '.join(c.name for c in self.candidates)}")

    def _title(self) -> str:
        return f"{self.decision.chosen}: {'transfer' if self.decision.transferred else 'do not transfer'}"

    def _sentences(self) -> list[str]:
        expected = "" if self.expected is None else self.expected.words
        return [self.decision.reason, expected, self.decision.assumption, *self.notes, self.diagnosis.words]

    def to_frame(self) -> Any:
        """Return the candidates as a table, one row per candidate.

        Returns
        -------
        DataFrame
        """
        import pandas as pd

        return pd.DataFrame([c.row() for c in self.candidates])

    def report(self, path: str | Path, *, format: str = "html") -> Path:
        """Write the report: one self-contained HTML page, or Markdown.

        Parameters
        ----------
        path : str or Path
            Folder for ``report.html`` or ``report.md``; made if it does not exist.
        format : {"html", "markdown"}, default="html"

        Returns
        -------
        Path
            The file.
        """
        check_path("path", path)
        # By name: the report package stands above this one.
        return Path(import_module("landbridge.report").write_report(self, path, format=format))

    def to_markdown(self) -> str:
        """Return the verdict as Markdown, for a pull request or an issue.

        Returns
        -------
        str
            Headline, expected quality, the best candidates, what to do next, and notes.
        """
        return str(import_module("landbridge.report").to_markdown(self))

    def plot(self, ax: Any = None) -> Any:
        """Draw the interval of each candidate, with source-only as a line.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw. If None, a new figure is made, without pyplot and whatever its backend is.

        Returns
        -------
        matplotlib.axes.Axes
        """
        return import_module("landbridge.report").plot_candidates(self, ax)

    def log_mlflow(self, run_name: str | None = None, tracking_uri: str | None = None) -> str:
        """Write the result as a finished run of MLflow: parameters, metrics and the report.

        Parameters
        ----------
        run_name : str, optional
            If None, the names of source and target.
        tracking_uri : str, optional
            Where runs are kept, such as ``"sqlite:///runs.db"``. If None, what MLflow is set to.

        Returns
        -------
        str
            Identifier of the run.

        Raises
        ------
        MissingExtraError
            If MLflow is not installed.
        """
        return str(import_module("landbridge.report").log_mlflow(self, run_name, tracking_uri))

    @cached_property
    def target_predictions(self) -> NDArray[Any] | None:
        """Predictions of the chosen model for all target samples of the run; None after loading."""
        return None if self.target is None else self.model.predict(self.target.frame())

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict for target samples with the chosen model.

        Parameters
        ----------
        X : array-like, DataFrame, Domain or path
            Target samples; raw rows where the result has an encoder. A path only where the sides of the run were files
            or tables.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.model.predict(self._rows(X))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities for target samples with the chosen model.

        Parameters
        ----------
        X : array-like, DataFrame, Domain or path
            Target samples; raw rows where the result has an encoder. A path only where the sides of the run were files
            or tables.

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
            "scores": dict(self.scores),
            "expected": None if self.expected is None else self.expected.to_dict(),
            "inspection": None if self.inspection is None else self.inspection.to_dict(),
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
        from landbridge.results._persist import save

        check_path("folder", folder)
        return save(self, Path(folder))

    def _rows(self, X: Any) -> Any:
        # A model between domains with different features knows the features of the source, not those of X.
        same = self.settings.get("situation") != "different features"
        return samples_for(X, self.model, self.encoder, same_features=same)


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
    from landbridge.results._persist import load

    check_path("folder", folder)
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
