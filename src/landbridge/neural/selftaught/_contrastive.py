"""Contrastive pretraining (SimCLR, SCARF) on unlabelled samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landbridge.exceptions import InputError
from landbridge.neural._fitting import learn_preprocessing
from landbridge.neural._inputs import to_tensors
from landbridge.neural._network import Network
from landbridge.neural._phase import Phase
from landbridge.neural._random import seed_from, seeded
from landbridge.neural._samples import batches, digest_of, mix, permutation
from landbridge.neural._settings import Training, own_settings
from landbridge.neural._trainer import run_phase
from landbridge.neural.backbones import load_backbone
from landbridge.neural.backbones._augment import ImageAugmentation

__all__ = ["contrastive_pretrain", "corrupt_features", "nt_xent"]

# Width of the space in which views are compared, and the share of columns changed in a table.
PROJECTION = 64
CORRUPTED = 0.6


def nt_xent(z1: Tensor, z2: Tensor, temperature: float = 0.5) -> Tensor:
    r"""Compute the NT-Xent loss: the cross-entropy of a view's partner among all other views [1]_.

    .. math:: -\frac{1}{2n} \sum_{i=1}^{2n}
        \log \frac{\exp(\cos(z_i, z_{i'}) / \tau)}{\sum_{k \ne i} \exp(\cos(z_i, z_k) / \tau)}

    Parameters
    ----------
    z1, z2 : Tensor of shape (n, d)
        Two views of the same samples; :math:`i'` is the partner of :math:`i`.
    temperature : float, default=0.5
        :math:`\tau`.

    Returns
    -------
    Tensor
        Scalar.

    References
    ----------
    .. [1] T. Chen, S. Kornblith, M. Norouzi, G. Hinton. A simple framework for contrastive learning of visual
       representations. ICML 2020.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.selftaught import nt_xent
    >>> z = torch.eye(2)
    >>> round(nt_xent(z, z, temperature=1.0).item(), 4)  # log(1 + 2 / e)
    0.5514
    """
    n = len(z1)
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    logits = (z @ z.T / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool, device=z.device), -torch.inf)
    partner = torch.arange(2 * n, device=z.device).roll(n)
    return F.cross_entropy(logits, partner)


def corrupt_features(x: Tensor, reference: Tensor, corruption_rate: float, generator: torch.Generator) -> Tensor:
    """Replace entries at random by those of other samples in the same column, the views of [1]_.

    Parameters
    ----------
    x : Tensor of shape (n, d)
    reference : Tensor of shape (m, d)
        Samples that replacements come from.
    corruption_rate : float
        Of a sample's columns, rounded to a number of columns that is the same for all samples.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    Tensor of shape (n, d)

    References
    ----------
    .. [1] D. Bahri, H. Jiang, Y. Tay, D. Metzler. SCARF: self-supervised contrastive learning using random feature
       corruption. ICLR 2022.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.selftaught import corrupt_features
    >>> x = corrupt_features(torch.zeros(3, 4), torch.ones(5, 4), 0.5, torch.Generator().manual_seed(0))
    >>> x.sum(dim=1).tolist()
    [2.0, 2.0, 2.0]
    """
    n, d = x.shape
    hit = torch.rand((n, d), generator=generator).argsort(dim=1).argsort(dim=1) < round(corruption_rate * d)
    rows = torch.randint(len(reference), (n, d), generator=generator).to(reference.device)
    return torch.where(hit.to(x.device), reference.gather(0, rows).to(x), x)


def contrastive_pretrain(
    backbone: Any,
    inputs: Any,
    *,
    epochs: int = 50,
    temperature: float = 0.5,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    random_state: Any = None,
    progress: Callable[[int, float], None] | None = None,
    settings: Training | None = None,
) -> Network:
    """Pretrain a network on unlabelled samples by contrasting augmented views (SimCLR, SCARF).

    The result can be used as any backbone. The projection head, two dense layers, is discarded.

    Parameters
    ----------
    backbone : Network, Module, str or path-like
        A network, which is copied, or anything that :func:`~landbridge.neural.load_backbone` reads. Frozen stages stay.
    inputs : array-like of shape (n, height, width[, channels]) or (n, n_features)
        Unlabelled samples of the target, images or a table.
    epochs : int, default=50
    temperature : float, default=0.5
        The lower, the more the nearest of the other samples count.
    batch_size : int, default=256
        Samples per step: each is contrasted with all others in it.
    learning_rate : float, default=1e-3
        Of AdamW; it falls to zero along a cosine.
    augment : callable, optional
        Changes a batch at random, ``augment(x, generator)``; both views are changed. If None, images are cropped,
        rotated and shaded; of a table's samples one view is unchanged and the other has most of its features replaced
        by other samples' values.
    random_state : int, RandomState instance or None, default=None
        Same seed, same network; the global generator is not changed.
    progress : callable, optional
        Called after each epoch with (epoch, mean loss).
    settings : Training, optional
        Device, precision, checkpoints, clipping and logs of the run; what has an argument here is taken from here. If
        None, the run stays on the network's device.

    Returns
    -------
    Network
        Trained, in eval mode.

    Raises
    ------
    InputError
        If there are fewer than two samples, or an argument is out of range.

    Notes
    -----
    Helps where unlabelled target samples are many, labelled ones few, and the changes leave the class alone. Hurts
    where a change makes one class of another, as flips do with digits. Time grows with O(epochs n) passes and, within a
    step, with the square of `batch_size`, as memory does.

    References
    ----------
    .. [1] T. Chen, S. Kornblith, M. Norouzi, G. Hinton. A simple framework for contrastive learning of visual
       representations. ICML 2020.
    .. [2] D. Bahri, H. Jiang, Y. Tay, D. Metzler. SCARF: self-supervised contrastive learning using random feature
       corruption. ICLR 2022.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural.backbones import mlp_backbone
    >>> from landbridge.neural.selftaught import contrastive_pretrain
    >>> cells = load_builtin("tumours-large").X
    >>> losses = {}
    >>> start = mlp_backbone(cells.shape[1], random_state=0)
    >>> network = contrastive_pretrain(
    ...     start, cells, epochs=5, batch_size=64, progress=losses.__setitem__, random_state=0
    ... )
    >>> losses[4] < losses[0]
    True
    """
    for name, value, least in (("epochs", epochs, 1), ("batch_size", batch_size, 2)):
        if not isinstance(value, (int, np.integer)) or value < least:
            raise InputError(f"{name} must be a whole number of at least {least}; got {value!r}.")
    for name, number in (("temperature", temperature), ("learning_rate", learning_rate)):
        if not number > 0:
            raise InputError(f"{name} must be above zero; got {number!r}.")
    rows = np.asarray(inputs)
    if rows.dtype.kind not in "fiub" or rows.ndim not in (2, 3, 4):
        raise InputError("inputs must be a table of numbers or an array of images; read files into arrays first.")
    if len(rows) < 2:
        raise InputError(f"inputs has {len(rows)} samples; contrast needs at least two.")
    if not np.isfinite(rows).all():
        raise InputError("inputs contains NaN or infinity; drop or fill such samples.")
    random_state = seed_from(random_state)
    channels = rows.shape[3] if rows.ndim == 4 else 1
    network = load_backbone(backbone, channels=channels, random_state=random_state)
    X = to_tensors(network, rows)
    device = next(network.parameters()).device
    learn_preprocessing(network, X)
    width = network.in_features
    with seeded(mix(random_state, 1)):
        projection = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, PROJECTION)).to(device)
    phase = _Contrast(network, projection, X, _views(X, augment), temperature, progress)
    own = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "random_state": random_state}
    run_phase(phase, own_settings(settings, network, schedule="cosine", warmup=0.0, **own))
    return network.eval()


class _Contrast(Phase):
    """Two views of the samples of a batch, contrasted with each other."""

    name = "contrastive pretraining"

    def __init__(
        self, network: Network, projection: nn.Module, X: Tensor, views: Any, temperature: float, progress: Any
    ) -> None:
        super().__init__()
        self.module = nn.ModuleDict({"network": network, "projection": projection})
        self.network, self.projection = network, projection
        self.X, self.views, self.temperature, self.progress = X, views, temperature, progress

    def start(self, run: Any) -> None:
        super().start(run)
        settings = run.settings
        learned = [p for p in (*self.network.parameters(), *self.projection.parameters()) if p.requires_grad]
        self.optimizers = {"main": torch.optim.AdamW(learned, lr=settings.learning_rate, weight_decay=1e-4)}
        self.generators = {"views": torch.Generator().manual_seed(mix(settings.random_state, 2))}
        self.n_steps = len(batches(torch.arange(len(self.X)), settings.batch_size, 2))

    def batches(self, epoch: int, first: int) -> Iterator[Any]:
        settings = self.run.settings
        order = permutation(len(self.X), settings.random_state, epoch)
        yield from batches(order, settings.batch_size, 2)[first:]

    def step(self, batch: Any, share: float) -> None:
        n = len(batch)
        one, other = self.views(self.X[batch].to(self.run.fabric.device), self.generators["views"])
        z = self.projection(self.network.embed(torch.cat([one, other])))
        loss = nt_xent(z[:n], z[n:], self.temperature)
        self.descend(loss)
        self.run.means.add("task", loss, n)

    def end(self, epoch: int) -> bool:
        if self.progress is not None:
            self.progress(epoch, self.run.state.history.epochs[-1]["loss"])
        return False

    def fingerprint(self) -> dict[str, Any]:
        layers = repr([tuple(p.shape) for p in self.network.parameters()])
        return {"temperature": self.temperature, "samples": digest_of(self.X), "layers": layers}


def _views(X: Tensor, augment: Any) -> Callable[[Tensor, torch.Generator], tuple[Tensor, Tensor]]:
    if augment is None and X.ndim == 2:
        return lambda x, rng: (x, corrupt_features(x, X, CORRUPTED, rng))
    change = ImageAugmentation("strong", flip=False) if augment is None else augment
    return lambda x, rng: (change(x, rng), change(x, rng))
