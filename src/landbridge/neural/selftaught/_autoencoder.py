"""Denoising autoencoder as a transformer."""

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

from landbridge._method_tags import MethodTags
from landbridge._sklearn_compat import Interval, StrOptions, _fit_context
from landbridge.exceptions import InputError
from landbridge.neural._device import resolve
from landbridge.neural._fitting import draw_seed
from landbridge.neural._pack import load_weights, weights_of
from landbridge.neural._phase import Phase
from landbridge.neural._resume import describe
from landbridge.neural._samples import digest_of
from landbridge.neural._settings import Training, own_settings
from landbridge.neural._trainer import run_phase
from landbridge.neural.selftaught._parts import Draws, chain, fresh, learn_scale

__all__ = ["AutoencoderFeatures", "denoising_loss"]


def denoising_loss(encoder: nn.Module, decoder: nn.Module, x: Tensor, keep: Tensor) -> Tensor:
    r"""Compute the mean squared error of samples reconstructed from masked entries.

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
    """Denoising autoencoder: learn features on unlabelled samples.

    Parameters
    ----------
    n_components : int, default=32
        Length of the code.
    hidden_layer_sizes : sequence of int, default=(128,)
        Widths of the layers between input and code; the decoder has them in reverse.
    noise : float, default=0.1
        Share of entries that are set to the column's mean before encoding.
    epochs : int, default=50
        Passes over the unlabelled samples.
    batch_size : int, default=64
        Samples per step.
    learning_rate : float, default=1e-3
        Learning rate of Adam; it falls to zero along a cosine.
    standardize : {"per_feature", "global"}, default="per_feature"
        Columns are brought to mean zero, and to spread one each or all by one factor. The second is for images, where
        a pixel that hardly varies should not count as much as one that does.
    device : str, default="auto"
        ``"auto"`` takes a GPU where there is one.
    random_state : int, RandomState instance or None, default=None
        Draws the first weights, the noise and the order of the samples.
    settings : Training, optional
        Precision, checkpoints, clipping and logs of the run; what has a parameter here is taken from here.

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
    Helps where source and target samples lie near the same low-dimensional manifold. Hurts where the target varies in
    features that are constant in the unlabelled samples: the code does not contain them.

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
    >>> features = AutoencoderFeatures(16, epochs=5, standardize="global", random_state=0).fit(printed.X[:500])
    >>> features.transform(handwritten.X[:50]).shape
    (50, 16)
    >>> bool(features.losses_[-1] < features.losses_[0])
    True
    """

    method_tags = MethodTags("self-taught", reads=frozenset())
    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "hidden_layer_sizes": [list, tuple],
        "noise": [Interval(Real, 0, 1, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "standardize": [StrOptions({"per_feature", "global"})],
        "device": [str],
        "random_state": ["random_state"],
        "settings": [Training, None],
    }

    def __init__(
        self,
        n_components: int = 32,
        *,
        hidden_layer_sizes: Sequence[int] = (128,),
        noise: float = 0.1,
        epochs: int = 50,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        standardize: str = "per_feature",
        device: str = "auto",
        random_state: Any = None,
        settings: Training | None = None,
    ) -> None:
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.noise = noise
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.standardize = standardize
        self.device = device
        self.random_state = random_state
        self.settings = settings

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Train encoder and decoder.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Unlabelled samples.
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
        widths = check_layers(self.hidden_layer_sizes)
        device, seed = resolve(self.device), draw_seed(self.random_state)
        scale = learn_scale(X, self.standardize)
        self.mean_, self.scale_ = scale
        widths = [X.shape[1], *widths, self.n_components]
        encoder, decoder = fresh(lambda: (chain(widths), chain(widths[::-1])), seed)
        encoder, decoder = encoder.to(device), decoder.to(device)
        rows = torch.tensor(scale.apply(X), dtype=torch.float32, device=device)
        phase = _Denoising(encoder, decoder, rows, self)
        own: dict[str, Any] = {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "learning_rate": self.learning_rate,
        }
        own |= {"schedule": "cosine", "warmup": 0.0, "device": self.device, "random_state": seed}
        history = run_phase(phase, own_settings(self.settings, **own))
        # in double precision a sample's code does not depend on the samples beside it
        self.encoder_, self.decoder_ = encoder.cpu().double().eval(), decoder.cpu().double().eval()
        self.losses_ = np.array([epoch["loss"] for epoch in history.epochs])
        self._n_features_out = self.n_components
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Encode samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples of the target, seen or new.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        with torch.inference_mode():
            return self.encoder_(torch.from_numpy((X - self.mean_) / self.scale_)).numpy()

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "encoder_" in state:
            widths = [layer.out_features for layer in self.encoder_ if isinstance(layer, nn.Linear)]
            state["encoder_"] = {"widths": [self.n_features_in_, *widths], "weights": weights_of(self.encoder_)}
            state["decoder_"] = weights_of(self.decoder_)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "encoder_" in state:
            widths = list(state["encoder_"]["widths"])
            encoder, decoder = fresh(lambda: (chain(widths), chain(widths[::-1])), 0)  # weights that are replaced
            load_weights(encoder, state["encoder_"]["weights"])
            load_weights(decoder, state["decoder_"])
            state = {**state, "encoder_": encoder, "decoder_": decoder}
        super().__setstate__(state)

    def inverse_transform(self, X: Any) -> NDArray[np.float64]:
        """Decode codes to samples.

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


class _Denoising(Phase):
    """Reconstruction of samples from masked entries."""

    name = "training of the autoencoder"

    def __init__(self, encoder: nn.Module, decoder: nn.Module, rows: Tensor, model: AutoencoderFeatures) -> None:
        super().__init__()
        self.module = nn.ModuleDict({"encoder": encoder, "decoder": decoder})
        self.encoder, self.decoder, self.rows, self.model = encoder, decoder, rows, model
        self.n_steps = max(1, len(rows) // model.batch_size)

    def start(self, run: Any) -> None:
        super().start(run)
        self.rng = self.generators["noise"] = torch.Generator().manual_seed(run.settings.random_state)
        self.draws = Draws(torch.arange(len(self.rows)), self.model.batch_size, self.rng)
        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimizers = {"main": torch.optim.Adam(parameters, lr=run.settings.learning_rate)}

    def step(self, batch: Any, share: float) -> None:
        x = self.rows[next(self.draws).to(self.rows.device)]
        keep = (torch.rand(x.shape, generator=self.rng) >= self.model.noise).to(x)
        loss = denoising_loss(self.encoder, self.decoder, x, keep)
        self.descend(loss)
        self.run.means.add("task", loss, 1)

    def fingerprint(self) -> dict[str, Any]:
        return {"model": describe(self.model), "samples": digest_of(self.rows)}

    def state(self) -> dict[str, Tensor]:
        return {"rest": self.draws.rest}

    def load_state(self, state: dict[str, Tensor]) -> None:
        self.draws.rest = state["rest"]


def check_layers(hidden_layer_sizes: Sequence[int]) -> list[int]:
    """Check the sizes of hidden layers.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int

    Returns
    -------
    list of int

    Raises
    ------
    InputError
        If one is not a positive whole number.
    """
    for width in hidden_layer_sizes:
        if not isinstance(width, Integral) or width < 1:
            raise InputError(
                f"hidden_layer_sizes={hidden_layer_sizes!r} holds {width!r}; give positive integers, or () for no "
                "hidden layer."
            )
    return [int(w) for w in hidden_layer_sizes]
