"""NeuralClassifier and NeuralRegressor: networks as scikit-learn estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets

from landbridge.base import TransferTags
from landbridge.exceptions import LabelError
from landbridge.neural._estimator_base import _NeuralEstimator
from landbridge.neural.tasks import Classification, Regression

__all__ = ["NeuralClassifier", "NeuralRegressor"]


class NeuralClassifier(ClassifierMixin, _NeuralEstimator):
    """Neural network classifier: a backbone, a new head, and any methods of transfer.

    Parameters
    ----------
    backbone : str, path-like, Module or Network, default="auto"
        Where the stages come from (see :func:`~landbridge.neural.load_backbone`). ``"auto"`` takes a small multilayer
        perceptron for tables and the built-in convolutional network for images.
    methods : sequence of Method, default=()
        Methods added to plain training; their contributions are summed.
    epochs : int, default=30
    batch_size : int, default=32
        Samples per step, over all parts of an accumulation.
    learning_rate : float, optional
        Learning rate. If None, 0.005 for the perceptron, 0.003 for the built-in network and 0.001 for others.
    weight_decay : float, default=0.01
    optimizer : {"adamw", "sgd"}, default="adamw"
    schedule : {"cosine", "linear", "constant"}, default="cosine"
    warmup : float, default=0.05
        Share of the steps (or above 1: number of steps) over which the rate climbs.
    patience : int, optional
        Stop after so many epochs that were no better on held-out samples, and keep the best epoch's weights.
    monitor : {"loss", "score"}, default="loss"
        Criterion of early stopping with ``patience``: a lower loss, or a higher score (accuracy or R²).
    validation_fraction : float, default=0.1
        Fraction of the samples that is held out for early stopping, with ``patience``.
    pretrained : bool, default=True
        False keeps the backbone's architecture and draws new weights.
    image_shape : tuple of int, optional
        ``(height, width)`` or ``(height, width, channels)`` of images that are flattened in `X`.
    precision : {"auto", "32", "64", "bf16", "16"}, default="auto"
        ``"auto"`` is 64 for the perceptron on the CPU and 32 for all others.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``; a device that is not there is an error.
    processes : int, default=1
        How many GPUs, or processes on the CPU.
    accumulation : int, default=1
        Forward passes a step; more need less memory for the same result.
    clip : float, optional
        Maximum norm of the gradient. If None, no clipping.
    average : {"ema", "tail"}, optional
        Average of the weights: exponential moving average or tail average. If None, no averaging.
    checkpoint_dir : path-like, optional
        Where checkpoints go.
    checkpoint_every : int, optional
        Steps between checkpoints. If None, one per epoch.
    resume : bool, default=False
        Whether to resume from the last checkpoint.
    cache_dir : path-like, optional
        Where outputs of frozen stages are kept between runs.
    log_dir : path-like, optional
        Where losses are logged.
    logger : {"csv", "tensorboard"}, default="csv"
    random_state : int, RandomState instance or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    network_ : Network
        The trained network.
    source_network_ : Network
        The network after :meth:`fit`, from which :meth:`adapt` starts.
    task_ : Classification
    methods_ : list of Method
        The methods after training, with their fitted attributes; not pickled.
    history_ : History
        Losses, epoch by epoch, of the last training.
    classes_ : ndarray of shape (n_classes,)
    device_ : str
        Where it was trained.

    Notes
    -----
    Helps where a backbone was trained on data similar to the target's: a few labelled images or texts per class are
    then enough. On small tables the classical methods are better and much faster.

    Frozen stages at the input are run once and their outputs reused over the epochs. Two fits with one
    ``random_state`` are equal on the CPU. Time is that of ``epochs * n_samples`` forward and backward passes; memory is
    the samples, the weights three times (optimiser) and the activations of ``batch_size / accumulation`` samples.

    References
    ----------
    .. [1] J. Yosinski, J. Clune, Y. Bengio, H. Lipson. How transferable are features in deep neural networks?
       NeurIPS 2014.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> digits = load_builtin("handwritten")
    >>> model = NeuralClassifier(image_shape=(8, 8), epochs=10, device="cpu", random_state=0)
    >>> model = model.fit(digits.X[:200], digits.y[:200])
    >>> bool(model.score(digits.X[200:400], digits.y[200:400]) > 0.8)
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target", "source_domain"}),
        tasks=frozenset({"classification"}),
        shifts=frozenset({"covariate", "concept"}),
        source_free=True,
        requires=("torch", "lightning_fabric"),
        growth="time O(epochs n) passes through the network, memory O(weights + batch)",
        reference="Yosinski et al.: How transferable are features in deep neural networks? NeurIPS 2014",
    )

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the classes of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        logits = self._logits(X)
        return self.task_.predict(logits)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities of target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        logits = self._logits(X)
        return self.task_.probabilities(logits)

    def _make_task(self, ys: Any) -> Classification:
        check_classification_targets(ys)
        self.classes_ = np.unique(ys)
        if len(self.classes_) < 2:
            raise LabelError(
                f"y holds one class only ({self.classes_[0]!s}); a classifier needs samples of two or more."
            )
        return Classification(self.classes_)


class NeuralRegressor(RegressorMixin, _NeuralEstimator):
    """Neural network regressor: a backbone, a new head, and any methods of transfer.

    Parameters
    ----------
    backbone : str, path-like, Module or Network, default="auto"
        Where the stages come from (see :func:`~landbridge.neural.load_backbone`). ``"auto"`` takes a small multilayer
        perceptron for tables and the built-in convolutional network for images.
    methods : sequence of Method, default=()
        Methods added to plain training; their contributions are summed.
    epochs : int, default=30
    batch_size : int, default=32
        Samples per step, over all parts of an accumulation.
    learning_rate : float, optional
        Learning rate. If None, 0.005 for the perceptron, 0.003 for the built-in network and 0.001 for others.
    weight_decay : float, default=0.01
    optimizer : {"adamw", "sgd"}, default="adamw"
    schedule : {"cosine", "linear", "constant"}, default="cosine"
    warmup : float, default=0.05
        Share of the steps (or above 1: number of steps) over which the rate climbs.
    patience : int, optional
        Stop after so many epochs that were no better on held-out samples, and keep the best epoch's weights.
    monitor : {"loss", "score"}, default="loss"
        Criterion of early stopping with ``patience``: a lower loss, or a higher score (accuracy or R²).
    validation_fraction : float, default=0.1
        Fraction of the samples that is held out for early stopping, with ``patience``.
    pretrained : bool, default=True
        False keeps the backbone's architecture and draws new weights.
    image_shape : tuple of int, optional
        ``(height, width)`` or ``(height, width, channels)`` of images that are flattened in `X`.
    precision : {"auto", "32", "64", "bf16", "16"}, default="auto"
        ``"auto"`` is 64 for the perceptron on the CPU and 32 for all others.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``; a device that is not there is an error.
    processes : int, default=1
        How many GPUs, or processes on the CPU.
    accumulation : int, default=1
        Forward passes a step; more need less memory for the same result.
    clip : float, optional
        Maximum norm of the gradient. If None, no clipping.
    average : {"ema", "tail"}, optional
        Average of the weights: exponential moving average or tail average. If None, no averaging.
    checkpoint_dir : path-like, optional
        Where checkpoints go.
    checkpoint_every : int, optional
        Steps between checkpoints. If None, one per epoch.
    resume : bool, default=False
        Whether to resume from the last checkpoint.
    cache_dir : path-like, optional
        Where outputs of frozen stages are kept between runs.
    log_dir : path-like, optional
        Where losses are logged.
    logger : {"csv", "tensorboard"}, default="csv"
    random_state : int, RandomState instance or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    network_ : Network
        The trained network.
    source_network_ : Network
        The network after :meth:`fit`, from which :meth:`adapt` starts.
    task_ : Regression
        Knows mean and spread of the source's values.
    methods_ : list of Method
        The methods after training, with their fitted attributes; not pickled.
    history_ : History
        Losses, epoch by epoch, of the last training.
    device_ : str
        Where it was trained.

    Notes
    -----
    Helps where a backbone was trained on data similar to the target's; on small tables the classical methods are better
    and much faster. Values are learned at unit variance. Time and memory as for
    :class:`~landbridge.neural.NeuralClassifier`.

    References
    ----------
    .. [1] J. Yosinski, J. Clune, Y. Bengio, H. Lipson. How transferable are features in deep neural networks?
       NeurIPS 2014.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralRegressor
    >>> patients = load_builtin("patients-younger")
    >>> model = NeuralRegressor(device="cpu", random_state=0).fit(patients.X, patients.y)
    >>> bool(model.score(patients.X, patients.y) > 0.3)
    True
    """

    transfer_tags = TransferTags(
        family="parameter",
        reads=frozenset({"X_target", "y_target", "source_domain"}),
        tasks=frozenset({"regression"}),
        shifts=frozenset({"covariate", "concept"}),
        source_free=True,
        requires=("torch", "lightning_fabric"),
        growth="time O(epochs n) passes through the network, memory O(weights + batch)",
        reference="Yosinski et al.: How transferable are features in deep neural networks? NeurIPS 2014",
    )

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict values for target samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        logits = self._logits(X)
        return self.task_.predict(logits)

    def _make_task(self, ys: Any) -> Regression:
        return Regression.of(ys)
