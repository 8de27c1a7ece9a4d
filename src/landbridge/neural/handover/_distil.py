"""Knowledge distillation: a small network learns the predictions of a large one."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landbridge.base import split_labelled
from landbridge.exceptions import InputError, LabelError
from landbridge.neural._checks import positive
from landbridge.neural._estimator import NeuralClassifier
from landbridge.neural._fitting import draw_seed, learn_preprocessing, rate_for
from landbridge.neural._loop import Training, predict_logits, train
from landbridge.neural._network import HEAD, Network
from landbridge.neural._random import seeded
from landbridge.neural._samples import Samples
from landbridge.neural.backbones import load_backbone, mlp_backbone
from landbridge.neural.handover._reading import model_of, network_of, tensors_of
from landbridge.neural.parameter._distillation import soft_cross_entropy
from landbridge.neural.tasks._classification import Classification

__all__ = ["distil", "distillation_loss"]


def distillation_loss(
    logits: Tensor, taught: Tensor, labels: Tensor | None = None, *, temperature: float = 2.0, label_weight: float = 0.1
) -> Tensor:
    r"""Compute the weighted sum of the divergence from a teacher's softened predictions and the labels' cross-entropy.

    :math:`(1 - w)\, T^2\, \mathrm{KL}(\mathrm{softmax}(t / T) \,\|\, \mathrm{softmax}(z / T)) + w\, H(y, z)`; the
    factor :math:`T^2` keeps the two parts' gradients in proportion (section 2 of [1]_).

    Parameters
    ----------
    logits : Tensor of shape (n, n_classes)
        The student's, z.
    taught : Tensor of shape (n, n_classes)
        The teacher's, t.
    labels : Tensor of int64, shape (n,), optional
        Class numbers; -1 for samples without a label, which count in the first part only.
    temperature : float, default=2.0
    label_weight : float, default=0.1

    Returns
    -------
    Tensor
        A scalar. Without any label it is the first part with weight 1.

    References
    ----------
    .. [1] G. Hinton, O. Vinyals, J. Dean. Distilling the knowledge in a neural network. 2015.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.handover import distillation_loss
    >>> logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> float(distillation_loss(logits, logits))
    0.0
    """
    soft = soft_cross_entropy(logits, taught, temperature)
    if labels is None or label_weight == 0:
        return soft
    known = (labels >= 0).sum()
    # A batch may be without labels; the divisor is then 1 and the sum 0.
    hard = F.cross_entropy(logits, labels, ignore_index=-1, reduction="sum") / known.clamp_min(1)
    return (1 - label_weight) * soft + label_weight * hard


def distil(
    teacher: Any,
    inputs: Any,
    student: Any = "builtin",
    *,
    labels: Any = None,
    temperature: float = 2.0,
    label_weight: float = 0.1,
    epochs: int = 30,
    batch_size: int = 32,
    learning_rate: float | None = None,
    pretrained: bool = True,
    device: str = "auto",
    random_state: Any = None,
) -> Any:
    """Train a smaller network on the predictions of a trained one; unlabelled samples are enough.

    Parameters
    ----------
    teacher : Network or NeuralClassifier
        Trained; it is not changed.
    inputs : Tensor, dict of Tensor or array-like
        Samples to learn on, as the teacher takes them.
    student : str, path-like, Module or Network, default="builtin"
        What :func:`~landbridge.neural.load_backbone` takes, or ``"mlp"`` for tables. A network is copied; its head
        is kept where it has the teacher's number of outputs.
    labels : array-like of shape (n,), optional
        Labels of all samples or of some (None, NaN or -1 for the others); class numbers where `teacher` is a Network.
    temperature : float, default=2.0
        By how much the teacher's predictions are softened; higher tells more of the classes that it ruled out.
    label_weight : float, default=0.1
        Weight of the labels, from 0 to 1; the teacher's is the rest.
    epochs : int, default=30
    batch_size : int, default=32
    learning_rate : float, optional
        If None, that of :class:`~landbridge.neural.NeuralClassifier` for the student's kind.
    pretrained : bool, default=True
        False draws new weights for the student's stages.
    device : str, default="auto"
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    Network or NeuralClassifier
        The student, of the teacher's kind; a classifier says in ``distillation_`` how it was taught.

    Notes
    -----
    Helps where a large network is right and too slow or too large, and where many samples but few labels are at hand:
    the teacher's doubts say which classes are alike. Hurts where the teacher is often wrong, as its mistakes are passed
    on, and where the samples are unlike those the student will see. The teacher runs once over the samples, O(n) of its
    forward passes; then the student is trained as ever. Memory is that of the student's training and n logits.

    References
    ----------
    .. [1] G. Hinton, O. Vinyals, J. Dean. Distilling the knowledge in a neural network. 2015.

    Examples
    --------
    >>> from landbridge.data import load_builtin
    >>> from landbridge.neural import NeuralClassifier
    >>> from landbridge.neural.handover import distil
    >>> digits = load_builtin("handwritten").take(range(300))
    >>> how = {"epochs": 5, "image_shape": (8, 8), "device": "cpu", "random_state": 0}
    >>> teacher = NeuralClassifier("builtin", **how).fit(digits.X[:200], digits.y[:200])
    >>> student = distil(teacher, digits.X, epochs=5, device="cpu", random_state=0)
    >>> bool((student.predict(digits.X) == teacher.predict(digits.X)).mean() > 0.8)
    True
    """
    positive(
        temperature=temperature,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=1.0 if learning_rate is None else learning_rate,
    )
    if not 0 <= label_weight <= 1:
        raise InputError(f"label_weight must lie in [0, 1]; got {label_weight}.")
    model = model_of(teacher, "teacher")
    if not isinstance(model, Network | NeuralClassifier):
        raise InputError(f"teacher must be a Network or a NeuralClassifier; got {type(model).__name__}.")
    network = network_of(model, "teacher")
    rows = tensors_of(model, inputs, "inputs")
    seed = draw_seed(random_state)
    taught = predict_logits(network, rows)
    if taught.ndim != 2 or taught.shape[1] < 2:
        raise InputError(
            f"teacher predicts with shape {tuple(taught.shape)}; distilling needs logits of two classes or more."
        )
    small = _student(student, network, rows, taught.shape[1], pretrained, seed)
    taught = taught.to(next(small.parameters()).dtype)
    numbers = _numbers(labels, model, len(taught), taught.shape[1])
    settings = Training(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=rate_for(small, learning_rate),
        device=device,
        precision="64" if taught.dtype == torch.float64 else "auto",
        random_state=seed,
    )
    task = _Taught(taught.shape[1], temperature, label_weight, numbers is not None)
    if numbers is not None:
        taught = torch.cat([taught, numbers[:, None].to(taught)], dim=1)
    history = train(small, task, Samples(rows, taught), settings=settings)
    if isinstance(model, Network):
        return small
    params: dict[str, Any] = {
        "backbone": student,
        "methods": (),
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
    }
    params |= {"pretrained": pretrained, "device": device, "random_state": random_state, "patience": None}
    made = copy.copy(model).set_params(**params)
    made.network_, made.history_, made.device_ = small, history, history.device
    made.task_ = copy.deepcopy(model.task_)
    made.distillation_ = {
        "teacher_weights": sum(p.numel() for p in network.parameters()),
        "n_samples": len(taught),
        "temperature": float(temperature),
        "label_weight": float(label_weight) if numbers is not None else 0.0,
    }
    return made


class _Taught(Classification):
    """Classification whose labels are the teacher's logits, with the class number (-1: unknown) as a last column."""

    def __init__(self, n_outputs: int, temperature: float, label_weight: float, labelled: bool) -> None:
        super().__init__(np.arange(n_outputs))
        self.temperature, self.label_weight, self.labelled = temperature, label_weight, labelled

    def loss(self, output: Tensor, labels: Tensor) -> tuple[Tensor, int]:
        taught, numbers = (labels[:, :-1], labels[:, -1].long()) if self.labelled else (labels, None)
        how = {"temperature": self.temperature, "label_weight": self.label_weight}
        return distillation_loss(output, taught, numbers, **how) * len(labels), len(labels)


def _student(student: Any, teacher: Network, rows: Any, outputs: int, pretrained: bool, seed: int) -> Network:
    like = next(teacher.parameters()).dtype
    if isinstance(student, str) and student == "mlp":
        if isinstance(rows, dict) or rows.ndim != 2:
            raise InputError("student='mlp' takes tables of numbers only; take 'builtin' or another network.")
        network = mlp_backbone(rows.shape[1], random_state=seed)
    else:
        if isinstance(student, str) and student == "builtin" and (isinstance(rows, dict) or rows.ndim != 4):
            raise InputError("student='builtin' takes images only; take 'mlp' for tables, or another network.")
        channels = 3 if isinstance(rows, Tensor) and rows.ndim == 4 and rows.shape[1] == 3 else 1
        network = load_backbone(student, pretrained=pretrained, channels=channels, random_state=seed)
    network.extras = nn.ModuleDict()
    network.unfreeze((*network.stage_names, HEAD))
    network.to(like)
    learn_preprocessing(network, rows)
    if not isinstance(network.head, nn.Linear) or network.head.out_features != outputs:
        with seeded(seed):
            network.replace_head(nn.Linear(network.in_features, outputs).to(like))
    return network


def _numbers(labels: Any, model: Any, n: int, outputs: int) -> Tensor | None:
    """Class numbers, -1 where there is none; None if no sample is labelled."""
    if labels is None:
        return None
    if len(labels) != n:
        raise LabelError(
            f"labels has {len(labels)} entries but inputs has {n} samples; give one per sample (None where unknown)."
        )
    if isinstance(labels, Tensor):
        labels = labels.cpu().numpy()
    classes = np.arange(outputs) if isinstance(model, Network) else model.classes_
    known, y = split_labelled(labels, n, classes)
    if not len(known):
        return None
    numbers = torch.full((n,), -1, dtype=torch.int64)
    task = Classification(classes) if isinstance(model, Network) else model.task_
    numbers[torch.from_numpy(np.asarray(known, dtype=np.int64))] = task.encode(y)
    return numbers
