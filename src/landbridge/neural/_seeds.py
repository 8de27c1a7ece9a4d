"""Average over seeds: several runs that differ in their seed alone, and their agreement."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import column_or_1d, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from landbridge._random_state import check_random_state
from landbridge._sklearn_compat import HasMethods, Interval, _fit_context
from landbridge.base import TransferEstimator, TransferTags, predicts_as
from landbridge.pipeline import TransferPipeline, reads_sources

__all__ = ["SeedAverage", "pairwise_agreement"]

# Values agree that differ by less than this share of the spread of the values learned from.
TOLERANCE = 0.1


def pairwise_agreement(answers: ArrayLike, tolerance: float | None = None) -> float:
    """Compute the share of samples on which two models agree, averaged over all pairs of models.

    Parameters
    ----------
    answers : array-like of shape (n_models, n_samples)
        Labels or values.
    tolerance : float, optional
        Values agree that differ by no more than this. If None, answers have to be equal.

    Returns
    -------
    float
        From 0 to 1; 1 for a single model.

    Examples
    --------
    >>> from landbridge.neural import pairwise_agreement
    >>> pairwise_agreement([["a", "b"], ["a", "b"], ["a", "a"]])
    0.666...
    >>> pairwise_agreement([[1.0, 2.0], [1.1, 4.0]], tolerance=0.2)
    0.5
    """
    rows = np.asarray(answers)
    pairs = list(combinations(rows, 2))
    if not pairs:
        return 1.0
    same = [a == b if tolerance is None else np.abs(a - b) <= tolerance for a, b in pairs]
    return float(np.mean(same))


def _answers_with(name: str) -> Any:
    def check(self: Any) -> bool:
        fitted = getattr(self, "estimators_", None)
        getattr(fitted[0] if fitted else self.estimator, name)  # raises AttributeError where it is missing
        return True

    return check


class SeedAverage(MetaEstimatorMixin, TransferEstimator):
    """Ensemble over seeds: fit an estimator several times with different seeds, and predict with the mean.

    Parameters
    ----------
    estimator : estimator
        A classifier or regressor, a pipeline that ends in one, or one that reads the target. It is cloned for every
        run, and every ``random_state`` in it is set again.
    n_seeds : int, default=3
        Number of runs.
    random_state : int, RandomState instance or None, default=None
        Draws the seeds of the runs.

    Attributes
    ----------
    estimators_ : list of estimator
        The fitted runs.
    agreement_ : float
        Share of the target's samples on which two runs agree, averaged over all pairs of runs. Values agree that differ
        by less than a tenth of the spread of `y`.
    collapsed_ : list of str
        What methods said of runs that collapsed (:class:`~landbridge.neural.feature.CollapseWatch`,
        :class:`~landbridge.neural.feature.ADDA`), one sentence each; empty where none did.
    classes_ : ndarray of shape (n_classes,)
        Classification only.

    Notes
    -----
    Helps with adversarial training, of which one run in a few fails in a way that no source sample shows: the mean of
    the probabilities is mostly better than a run picked by chance, and runs that disagree warn without any label. Does
    not help where runs fail alike, nor with estimators that draw nothing at random. A run that collapsed is named and
    stays in the mean, because a target that truly has few classes looks the same.

    Time and memory are those of `n_seeds` fits.

    References
    ----------
    .. [1] B. Lakshminarayanan, A. Pritzel, C. Blundell. Simple and scalable predictive uncertainty estimation using
       deep ensembles. NeurIPS 2017.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier, SeedAverage
    >>> from landbridge.neural.feature import DANN
    >>> source, target = load_builtin("printed").take(range(200)), load_builtin("handwritten").take(range(200))
    >>> network = NeuralClassifier("builtin", methods=[DANN()], epochs=2, image_shape=(8, 8))
    >>> model = SeedAverage(network, n_seeds=2, random_state=0).fit(source.X, source.y, X_target=target.X)
    >>> model.predict_proba(target.X).shape, 0 < model.agreement_ <= 1
    ((200, 10), True)
    """

    __metadata_request__fit: ClassVar[Mapping[str, bool]] = {"X_target": True, "y_target": True, "source_domain": True}
    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target", "source_domain"}),
        shifts=frozenset({"covariate", "concept"}),
        growth="time and memory those of n_seeds fits of the estimator",
        reference="Lakshminarayanan, Pritzel, Blundell: Simple and scalable predictive uncertainty estimation using "
        "deep ensembles. NeurIPS 2017",
    )
    own_scaling = True
    _accept_sparse = True  # as far as the estimator does
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"])],
        "n_seeds": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(self, estimator: Any, n_seeds: int = 3, random_state: Any = None) -> None:
        self.estimator = estimator
        self.n_seeds = n_seeds
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, X_target: Any = None, y_target: Any = None, source_domain: Any = None) -> Self:
        """Fit all runs on source and target.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source samples, or whatever else the estimator takes.
        y : array-like of shape (n_source,)
            Source labels or values.
        X_target : array-like of shape (n_target, n_features), optional
            All target samples. If None, the source is its own target.
        y_target : array-like of shape (n_target,), optional
            Labels of some target samples.
        source_domain : array-like of shape (n_source,), optional
            Which of several sources each source sample came from; passed on to estimators that read it.

        Returns
        -------
        self
        """
        if np.asarray(y).ndim > 1:
            y = column_or_1d(y, warn=True)
        # Whoever reads the target checks the samples, which may be images, paths or texts.
        metadata: dict[str, Any] = {}
        if isinstance(self.estimator, TransferEstimator | TransferPipeline):
            given = {"X_target": X_target, "y_target": y_target}
            given |= {"source_domain": source_domain} if reads_sources(self.estimator) else {}
            metadata = {k: v for k, v in given.items() if v is not None}
        elif X_target is not None or y_target is not None:
            self._read(X, y, X_target, y_target, supervised=True)
        rng = check_random_state(self.random_state)
        self.estimators_ = [_seeded(self.estimator, rng).fit(X, y, **metadata) for _ in range(self.n_seeds)]
        first = self.estimators_[0]
        for name in ("n_features_in_", "feature_names_in_", "classes_"):
            if hasattr(first, name):
                setattr(self, name, getattr(first, name))
            elif name in vars(self):
                delattr(self, name)
        rows = X if X_target is None else X_target
        found = [run.predict(rows) for run in self.estimators_]
        task = getattr(first, "task_", None)
        if task is not None and hasattr(task, "agreement"):  # a network's task knows how its predictions are compared
            pairs = list(combinations(found, 2))
            self.agreement_ = float(np.mean([task.agreement(a, b) for a, b in pairs])) if pairs else 1.0
        else:
            near = None if is_classifier(self.estimator) else TOLERANCE * float(np.std(np.asarray(y, dtype=float)))
            self.agreement_ = pairwise_agreement(found, near)
        self.collapsed_ = [
            f"run {i}: {said}" for i, run in enumerate(self.estimators_, start=1) for said in _collapses(run)
        ]
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict for target samples: the class of highest mean probability (of most votes), or the mean value.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        if not is_classifier(self.estimator):
            return np.mean([run.predict(X) for run in self.estimators_], axis=0)
        if hasattr(self.estimators_[0], "predict_proba"):
            return self.classes_[self.predict_proba(X).argmax(axis=1)]
        votes = np.stack([run.predict(X) for run in self.estimators_])
        return self.classes_[np.stack([(votes == c).sum(axis=0) for c in self.classes_]).argmax(axis=0)]

    @available_if(_answers_with("predict_proba"))
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the mean of the runs' class probabilities for target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        return np.mean([run.predict_proba(X) for run in self.estimators_], axis=0)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return accuracy or R² on labelled target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Target samples.
        y : array-like of shape (n_samples,)
            Their labels.
        sample_weight : array-like of shape (n_samples,), default=None
            If None, all samples have the same weight.

        Returns
        -------
        float
        """
        measure = accuracy_score if is_classifier(self.estimator) else r2_score
        return float(measure(y, self.predict(X), sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        inner = get_tags(self.estimator)
        tags = predicts_as(super().__sklearn_tags__(), inner)
        tags.input_tags = inner.input_tags
        return tags


def _seeded(estimator: Any, rng: np.random.RandomState) -> Any:
    model = clone(estimator)
    names = sorted(k for k in model.get_params() if k == "random_state" or k.endswith("__random_state"))
    return model.set_params(**{k: int(rng.randint(np.iinfo(np.int32).max)) for k in names}) if names else model


def _collapses(model: Any) -> list[str]:
    """What the methods of a network, or of a pipeline's last step, said of its training."""
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    said = [(getattr(m, "collapsed_", ""), getattr(m, "reason_", "")) for m in getattr(last, "methods_", ())]
    return [found if isinstance(found, str) else reason for found, reason in said if found]
