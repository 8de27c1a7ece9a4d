"""Denoising autoencoder: a short code from which unlabelled rows can be told although parts of them are missing."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from landbridge._sklearn_compat import Interval, StrOptions, _fit_context
from landbridge.exceptions import InputError
from landbridge.neural._device import resolve
from landbridge.neural._fitting import draw_seed
from landbridge.neural.selftaught._parts import chain, draws, fresh, learn_scale

__all__ = ["AutoencoderFeatures", "denoising_loss"]


def denoising_loss(encoder: nn.Module, decoder: nn.Module, x: Tensor, keep: Tensor) -> Tensor:
    r"""Mean squared error of rows told from what is left of them.

    .. math:: \frac{1}{n d} \sum_i \| x_i - g(f(x_i \circ m_i)) \|^2

    Parameters
    ----------
    encoder, decoder : Module
        :math:`f` and :math:`g`.
    x : Tensor of shape (n, d)
    keep : Tensor of shape (n, d)
        One where an entry is kept and zero where it is wiped out, :math:`m_i`.

    Returns
    -------
    Tensor
        Scalar.

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol. Extracting and composing robust features with denoising
       autoencoders. ICML 2008.
    """
    return (decoder(encoder(x * keep)) - x).square().mean()


class AutoencoderFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Learn a short code of rows from unlabelled rows, by a denoising autoencoder.

    Parameters
    ----------
    n_components : int, default=32
        Length of the code.
    layers : sequence of int, default=(128,)
        Widths of the layers between input and code; the decoder has them in reverse.
    noise : float, default=0.1
        Share of entries that are set to the column's mean before encoding.
    epochs : int, default=50
        Passes over the unlabelled rows.
    batch_size : int, default=64
        Rows of a step.
    lr : float, default=1e-3
        Learning rate of Adam; it falls to zero along a cosine.
    scale : {"columns", "table"}, default="columns"
        Columns are brought to mean zero, and to spread one each or all by one factor. The second is for images, where
        a dot that hardly varies should not count as much as one that does.
    device : str, default="auto"
        ``"auto"`` takes a GPU where there is one.
    random_state : int, RandomState or None, default=None
        Draws the first weights, the noise and the order of the rows.

    Attributes
    ----------
    encoder_, decoder_ : Module
        Of torch, in double precision on the CPU.
    mean_, scale_ : ndarray of shape (n_features_in_,)
        Taken off the columns, and what they are divided by.
    losses_ : ndarray of shape (epochs,)
        Mean loss of each pass.
    n_features_in_ : int

    Notes
    -----
    Helps where rows lie near a curved sheet of few dimensions and the target's lie on the same one. Hurts where the
    target differs from the unlabelled rows in columns that these keep constant: the code does not hold them.

    Time grows with O(epochs n w) for w weights, memory with O(n d + w).

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol. Extracting and composing robust features with denoising
       autoencoders. ICML 2008.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural.selftaught import AutoencoderFeatures
    >>> printed, handwritten = load_builtin("printed"), load_builtin("handwritten")
    >>> features = AutoencoderFeatures(16, epochs=5, scale="table", random_state=0).fit(printed.X[:500])
    >>> features.transform(handwritten.X[:50]).shape
    (50, 16)
    >>> bool(features.losses_[-1] < features.losses_[0])
    True
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "layers": [list, tuple],
        "noise": [Interval(Real, 0, 1, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "scale": [StrOptions({"columns", "table"})],
        "device": [str],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 32,
        *,
        layers: Sequence[int] = (128,),
        noise: float = 0.1,
        epochs: int = 50,
        batch_size: int = 64,
        lr: float = 1e-3,
        scale: str = "columns",
        device: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.layers = layers
        self.noise = noise
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.scale = scale
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Train encoder and decoder.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Unlabelled rows.
        y : object
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a layer has no positive width.
        """
        X = validate_data(self, X, dtype=np.float64)
        widths = check_layers(self.layers)
        device, seed = resolve(self.device), draw_seed(self.random_state)
        scale = learn_scale(X, self.scale)
        self.mean_, self.scale_ = scale
        widths = [X.shape[1], *widths, self.n_components]
        encoder, decoder = fresh(lambda: (chain(widths), chain(widths[::-1])), seed)
        encoder, decoder = encoder.to(device), decoder.to(device)
        rows = torch.tensor(scale.apply(X), dtype=torch.float32, device=device)
        dice = torch.Generator().manual_seed(seed)
        parameters = [*encoder.parameters(), *decoder.parameters()]
        steps = max(1, len(X) // self.batch_size)
        optimizer = torch.optim.Adam(parameters, lr=self.lr)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps * self.epochs)
        batches = draws(torch.arange(len(X)), self.batch_size, dice)
        losses = torch.zeros(self.epochs, device=device)
        for epoch in range(self.epochs):
            for _ in range(steps):
                x = rows[next(batches).to(device)]
                keep = (torch.rand(x.shape, generator=dice) >= self.noise).to(x)
                loss = denoising_loss(encoder, decoder, x, keep)
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()
                schedule.step()
                losses[epoch] += loss.detach() / steps
        # in double precision a row's code does not depend on the rows beside it
        self.encoder_, self.decoder_ = encoder.cpu().double().eval(), decoder.cpu().double().eval()
        self.losses_ = losses.cpu().double().numpy()
        self._n_features_out = self.n_components
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Give the codes of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the target, seen or new.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        with torch.inference_mode():
            return self.encoder_(torch.from_numpy((X - self.mean_) / self.scale_)).numpy()

    def inverse_transform(self, X: Any) -> NDArray[np.float64]:
        """Give the rows that codes stand for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        with torch.inference_mode():
            rows = self.decoder_(torch.tensor(np.asarray(X), dtype=torch.float64)).numpy()
        return rows * self.scale_ + self.mean_


def check_layers(layers: Sequence[int]) -> list[int]:
    """Widths of hidden layers, checked.

    Parameters
    ----------
    layers : sequence of int

    Returns
    -------
    list of int

    Raises
    ------
    InputError
        If one is not a positive whole number.
    """
    for width in layers:
        if not isinstance(width, Integral) or width < 1:
            raise InputError(f"layers={layers!r} holds {width!r}; give positive whole numbers, or () for no layer.")
    return [int(w) for w in layers]
