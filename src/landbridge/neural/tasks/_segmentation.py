"""Semantic segmentation: one class per pixel of an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from landbridge.exceptions import InputError, LabelError
from landbridge.neural._ragged import pad
from landbridge.neural.backbones._pixel_head import PixelHead
from landbridge.neural.structured._class_weights import class_weights_of
from landbridge.neural.structured._image_files import (
    check_images,
    image_pixels,
    image_size,
    mask_thumbnails,
    read_mask_folder,
    read_written_masks,
    resized_mask,
    write_masks,
)
from landbridge.neural.structured._map_adversarial import MapAdversarial
from landbridge.neural.structured._map_augmentation import MapAugmentation
from landbridge.neural.structured._map_entropy_method import MapEntropyMinimization
from landbridge.neural.structured._map_self_training import MapSelfTraining
from landbridge.neural.structured._mask_scores import MaskScores
from landbridge.neural.structured._masks import UNCLASSED
from landbridge.neural.structured._pixel_features import N_PIXELS, pixel_features
from landbridge.neural.tasks._task import Metric, Task

__all__ = ["Segmentation"]


class Segmentation(Task):
    """Semantic segmentation, one class per pixel: softmax, cross-entropy over the pixels that count, mean IoU.

    Images and masks are brought to one size to learn from; the cross-entropy is that of the scores at the size of the
    masks. Agreement of two models is the share of pixels that are equal: it is symmetric, and does not depend on
    which rare classes happen to occur.

    Parameters
    ----------
    classes : sequence of str
        Names of the classes, by the numbers that masks hold. 255 marks pixels that do not count.
    class_weights : array-like of shape (n_classes,), optional
        Weight of the pixels of each class in the loss. If None, all are equal.
    size : tuple of int, optional
        Height and width to learn at. If None, images have one size and keep it.

    Notes
    -----
    Linear in the number of pixels, times the number of classes.

    References
    ----------
    .. [1] J. Long, E. Shelhamer, T. Darrell. Fully convolutional networks for semantic segmentation. CVPR 2015.

    Examples
    --------
    >>> import torch
    >>> from landbridge.neural.tasks import Segmentation
    >>> task = Segmentation(["sky", "road"])
    >>> labels = task.encode([[[0, 1], [1, 255]]])
    >>> scores = torch.nn.functional.one_hot(torch.tensor([[[0, 1], [0, 0]]]), 2).movedim(-1, 1).float()
    >>> round(task.score(scores, labels), 2)  # sky: 1 of 2, road: 1 of 2
    0.5
    """

    name = "segmentation"
    metric_name = "mean IoU"
    takes = "map"
    structured = True
    writes_folder = True

    def __init__(
        self, classes: Sequence[str], *, class_weights: Any = None, size: tuple[int, int] | None = None
    ) -> None:
        self.classes = tuple(str(c) for c in classes)
        if not 0 < len(self.classes) <= UNCLASSED:
            raise InputError(f"classes holds {len(self.classes)} names; give 1 to {UNCLASSED}.")
        self.n_outputs = len(self.classes)
        self.class_weights = None if class_weights is None else tuple(float(w) for w in class_weights)
        if self.class_weights is not None and len(self.class_weights) != self.n_outputs:
            raise InputError(f"class_weights has {len(self.class_weights)} entries for {self.n_outputs} classes.")
        self.size = None if size is None else (int(size[0]), int(size[1]))

    @classmethod
    def from_labels(  # type: ignore[override]
        cls,
        labels: Sequence[Any],
        *,
        classes: Sequence[str] | None = None,
        class_weights: Any = None,
        size: Any = None,
    ) -> Self:
        """Make the task from masks.

        Parameters
        ----------
        labels : sequence of ndarray of shape (height, width)
        classes : sequence of str, optional
            Names by number. If None, the numbers themselves, up to the largest.
        class_weights : {"log"} or array-like of shape (n_classes,), optional
            ``"log"`` takes :func:`class_weights_of` the masks. If None, all are equal.
        size : tuple of int, optional
            Height and width to learn at. If None, the most usual size of the masks.

        Returns
        -------
        Segmentation
        """
        counts = np.zeros(256, dtype=np.int64)
        for mask in labels:
            counts += np.bincount(np.asarray(mask, dtype=np.uint8).ravel(), minlength=256)
        present = np.flatnonzero(counts[:UNCLASSED])
        if not len(present):
            raise LabelError("y holds no pixel that counts (all are 255); give masks of classes.")
        names = [str(i) for i in range(int(present[-1]) + 1)] if classes is None else list(classes)
        if isinstance(class_weights, str):
            if class_weights != "log":
                raise InputError(f"class_weights={class_weights!r} is unknown; give 'log', an array, or None.")
            class_weights = class_weights_of(counts[: len(names)])
        usual = Counter(np.shape(m) for m in labels).most_common(1)[0][0]
        task = cls(names, class_weights=class_weights, size=usual if size is None else size)
        task._refuse_unknown(present)
        return task

    @classmethod
    def check(cls, X: Any, y: Any = None, name: str = "X") -> tuple[list[Any], list[Any] | None]:
        """Check images and masks.

        Parameters
        ----------
        X : sequence
            Paths of image files, or arrays (height, width) or (height, width, 3) of bytes.
        y : sequence, optional
            Masks as arrays (height, width) or paths, None for images without.
        name : str, default="X"

        Returns
        -------
        X : list
        y : list of ndarray of uint8 or None, or None
        """
        return check_images(X, y, name)

    @classmethod
    def stratum(cls, label: Any) -> bool:
        """Return whether a mask has a pixel that counts.

        Parameters
        ----------
        label : ndarray

        Returns
        -------
        bool
        """
        return bool((np.asarray(label) != UNCLASSED).any())

    @classmethod
    def read_file(cls, path: str | Path) -> tuple[list[str], list[Any] | None, dict[str, Any]]:
        """Read a folder of images, and the masks that are beside them.

        Parameters
        ----------
        path : path-like
            See :func:`~landbridge.neural.structured.read_mask_folder`.

        Returns
        -------
        X, y, held : list, list or None, dict
        """
        return read_mask_folder(path)

    @classmethod
    def options_of(cls, held: Any) -> dict[str, Any]:
        """Return the names of the classes, where a folder states them.

        Parameters
        ----------
        held : dict

        Returns
        -------
        dict
        """
        return {} if not held or held["classes"] is None else {"classes": held["classes"]}

    @classmethod
    def write_file(cls, path: str | Path, held: Any, predictions: Sequence[Any]) -> Path:
        """Write predicted masks and overlays to a folder.

        Parameters
        ----------
        path : path-like
        held : dict
        predictions : sequence of ndarray

        Returns
        -------
        Path
        """
        return write_masks(path, held["images"], predictions)

    @classmethod
    def details(cls, labels: Sequence[Any], predictions: Sequence[Any]) -> dict[str, Any]:
        """Compute the IoU of each class.

        Parameters
        ----------
        labels, predictions : sequence of ndarray

        Returns
        -------
        dict
            ``rows``: class number, IoU and share of the pixels of each class.
        """
        return {"rows": _scores(labels, predictions).rows()}

    @classmethod
    def n_positions(cls, label: Any) -> int:
        """Return how many pixels of a mask backbones are ranked by.

        Parameters
        ----------
        label : ndarray

        Returns
        -------
        int
        """
        return min(int((label != UNCLASSED).sum()), N_PIXELS)

    @classmethod
    def position_features(cls, network: Any, X: Sequence[Any], y: Sequence[Any]) -> tuple[Any, Any, Any]:
        """Compute the features of pixels, by which backbones are ranked.

        Parameters
        ----------
        network : Network
        X, y : sequence

        Returns
        -------
        features, labels, groups : ndarray
        """
        return pixel_features(network, cls.from_labels(y), X, y)

    @classmethod
    def make_backbone(
        cls, backbone: Any, X: Sequence[Any], *, pretrained: bool = True, random_state: Any = None
    ) -> Any:
        """Make the network that reads images; ``"auto"`` is an ESPNet with new weights.

        Parameters
        ----------
        backbone : str, path-like, Module or Network
        X : sequence
        pretrained : bool, default=True
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        Network
        """
        from landbridge.neural.backbones import load_backbone, rebuild

        if isinstance(backbone, str) and backbone in ("auto", "espnet"):
            network = rebuild({"kind": "segmenter", "name": "espnet", "maps": 20, "p": 2, "q": 3})
            return network.reset((*network.stage_names, "head"), random_state=random_state)
        channels = 3 if isinstance(X[0], str) or np.ndim(X[0]) == 3 else 1
        return load_backbone(backbone, pretrained=pretrained, channels=channels, random_state=random_state)

    @classmethod
    def adopt(cls, network: Any, classes: Sequence[str] | None = None, **options: Any) -> Segmentation | None:
        """Make the task of the classes that the head of a network knows; others are never predicted.

        Parameters
        ----------
        network : Network
            Its head is replaced.
        classes : sequence of str, optional
            If None, those of the network.
        **options : object

        Returns
        -------
        Segmentation, or None
        """
        if not isinstance(network.head, PixelHead):
            return None
        names = network.head.classes if classes is None else classes
        head = network.head.for_classes(names, closed=True)
        if not head.kept:
            return None
        network.replace_head(head)
        return cls(names)

    def kept(self, network: Any) -> Sequence[str]:
        """Return the classes that were carried over by name.

        Parameters
        ----------
        network : Network

        Returns
        -------
        sequence of str
        """
        return getattr(network.head, "kept", ())

    @classmethod
    def training_defaults(cls) -> dict[str, Any]:
        """Return small batches, flips and crops, and class weights from the masks.

        Returns
        -------
        dict
        """
        return {"batch_size": 5, "methods": [MapAugmentation()], "task_options": {"class_weights": "log"}}

    @classmethod
    def adaptation(cls, *, source_free: bool) -> dict[str, list[Any]]:
        """Return entropy minimisation, self-training and, with source images, the adversarial method.

        Parameters
        ----------
        source_free : bool

        Returns
        -------
        dict of str to list of Method
        """
        found: dict[str, list[Any]] = {
            "entropy minimisation": [MapEntropyMinimization(source_free=source_free)],
            "self-training": [MapSelfTraining(source_free=source_free)],
        }
        return found if source_free else found | {"output-space adversarial": [MapAdversarial()]}

    def make_head(self, network: Any) -> nn.Module:
        """Make the head; classes that the network's own head knows by name keep their weights.

        Parameters
        ----------
        network : Network

        Returns
        -------
        Module
        """
        if isinstance(network.head, PixelHead):
            return network.head.for_classes(self.classes, seed=int(torch.randint(2**31 - 1, ())))
        return self.head(network.in_features)

    def read_inputs(self, network: Any, X: Sequence[Any]) -> Tensor:
        """Read images at the size to learn at; without one, at the most usual size among them.

        Parameters
        ----------
        network : Network
        X : sequence of str or ndarray

        Returns
        -------
        Tensor of shape (n, channels, height, width)
            Bytes, or shares between 0 and 1 for networks without preprocessing.
        """
        size = Counter(image_size(x) for x in X).most_common(1)[0][0] if self.size is None else self.size
        pixels = torch.from_numpy(np.stack([image_pixels(x, *size) for x in X])).movedim(3, 1).contiguous()
        if isinstance(getattr(network.preprocess, "mean", None), Tensor):
            return pixels
        like = next(network.parameters(), pixels.float())
        return pixels.to(like.dtype) / 255.0

    def accepts(self, labels: Sequence[Any]) -> bool:
        """Return whether masks hold no class beyond those of the task.

        Parameters
        ----------
        labels : sequence of ndarray

        Returns
        -------
        bool
        """
        return all(int(np.where(m == UNCLASSED, 0, m).max()) < self.n_outputs for m in labels)

    def encode(self, y: Any) -> Tensor:
        """Encode masks at the size to learn at, without interpolation.

        Parameters
        ----------
        y : sequence of array-like of int, shape (height, width)

        Returns
        -------
        Tensor of uint8, shape (n, height, width)
        """
        masks = [np.asarray(m) for m in y]
        sizes = {m.shape for m in masks} if self.size is None else {self.size}
        if len(sizes) > 1:
            raise LabelError("y holds masks of several sizes; give size=(height, width) to learn at.")
        size = next(iter(sizes))
        for m in masks:
            self._refuse_unknown(np.unique(m))
        return torch.from_numpy(np.stack([resized_mask(m.astype(np.uint8), size) for m in masks]))

    def collate_labels(self, labels: Sequence[Tensor]) -> Tensor:
        """Join masks; smaller ones are filled up with pixels that do not count.

        Parameters
        ----------
        labels : sequence of Tensor of shape (height, width)

        Returns
        -------
        Tensor of shape (n, height, width)
        """
        return pad(labels, UNCLASSED)

    def weight(self, labels: Tensor) -> Tensor:
        """Return the number of pixels that count, or the sum of their class weights.

        Parameters
        ----------
        labels : Tensor of shape (n, height, width)

        Returns
        -------
        Tensor
        """
        counted = labels != UNCLASSED
        if self.class_weights is None:
            return counted.sum()
        return self._weights(labels)[labels[counted].long()].sum()

    def loss(self, output: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the cross-entropy, summed over the pixels that count, and their weight.

        Parameters
        ----------
        output : Tensor of shape (n, n_classes, height, width)
            Scores, of any size.
        labels : Tensor of shape (n, height, width)

        Returns
        -------
        total, weight : Tensor
        """
        weights = None if self.class_weights is None else self._weights(output)
        scores = _at_size(output, labels)
        total = F.cross_entropy(scores, labels.long(), weights, ignore_index=UNCLASSED, reduction="sum")
        return total, self.weight(labels)

    def metric(self) -> Metric:
        """Make an accumulator of the mean IoU.

        Returns
        -------
        Metric
        """
        return _MeanIoU(self.n_outputs)

    def predict(self, output: Tensor) -> NDArray[np.uint8]:
        """Turn scores into masks.

        Parameters
        ----------
        output : Tensor of shape (n, n_classes, height, width)

        Returns
        -------
        ndarray of uint8, shape (n, height, width)
        """
        return output.argmax(1).to(torch.uint8).cpu().numpy()

    def fit_to(self, X: Sequence[Any], predictions: Sequence[Any]) -> list[NDArray[np.uint8]]:
        """Bring masks to the sizes of their images.

        Parameters
        ----------
        X : sequence of str or ndarray
        predictions : sequence of ndarray of shape (height, width)

        Returns
        -------
        list of ndarray
        """
        return [resized_mask(mask, image_size(x)) for x, mask in zip(X, predictions, strict=True)]

    @classmethod
    def score_labels(cls, labels: Sequence[Any], predictions: Sequence[Any]) -> float:
        """Compute the mean IoU of masks.

        Parameters
        ----------
        labels, predictions : sequence of ndarray of shape (height, width)

        Returns
        -------
        float
            0 where no pixel counts.
        """
        return float(np.nan_to_num(_scores(labels, predictions).mean_iou()))

    def show(self, x: Any, y: Any, prediction: Any) -> dict[str, str]:
        """Draw an image, its mask and the predicted mask for a report.

        Parameters
        ----------
        x : str or ndarray
        y : ndarray or None
        prediction : ndarray

        Returns
        -------
        dict of str to str
            Data URIs ``"picture"``, ``"prediction"`` and, with `y`, ``"label"``; at most 160 pixels wide and high.
        """
        return mask_thumbnails(x, y, prediction)

    def write(self, path: str | Path, ids: Sequence[Any], predictions: Any) -> Path:
        """Write masks as png files with a palette, and beside them the images with the masks drawn over.

        Parameters
        ----------
        path : path-like
            A folder, which is made if need be.
        ids : sequence
            Paths of the images, or names without an overlay.
        predictions : sequence of ndarray of shape (height, width)

        Returns
        -------
        Path
            With ``masks/NAME.png``, and ``overlays/NAME.png`` where the image is a file.
        """
        return write_masks(path, ids, predictions)

    def read(self, path: str | Path) -> tuple[list[str], Any]:
        """Read masks that ``write`` wrote.

        Parameters
        ----------
        path : path-like

        Returns
        -------
        ids, predictions : list
        """
        return read_written_masks(path)

    def _weights(self, like: Tensor) -> Tensor:
        dtype = like.dtype if like.is_floating_point() else torch.float32
        return torch.tensor(self.class_weights, dtype=dtype, device=like.device)

    def _refuse_unknown(self, numbers: Any) -> None:
        odd = [int(n) for n in numbers if self.n_outputs <= n != UNCLASSED]
        if odd:
            raise LabelError(
                f"a mask holds the number {odd[0]}, but there are {self.n_outputs} classes; add it to the classes, or "
                "mark such pixels with 255."
            )


class _MeanIoU(Metric):
    """Mean IoU from a confusion matrix; scores are brought to the size of the masks."""

    def __init__(self, n_classes: int) -> None:
        self.scores = MaskScores(n_classes)

    def update(self, output: Tensor, labels: Tensor) -> None:
        found = _at_size(output, labels).argmax(1)
        self.scores.update(labels.cpu().numpy(), found.cpu().numpy())

    def compute(self) -> float:
        return float(np.nan_to_num(self.scores.mean_iou()))


def _scores(labels: Sequence[Any], predictions: Sequence[Any]) -> MaskScores:
    scores = MaskScores(UNCLASSED + 1)
    for true, found in zip(labels, predictions, strict=True):
        scores.update(true, found)
    return scores


def _at_size(output: Tensor, labels: Tensor) -> Tensor:
    if output.shape[-2:] == labels.shape[-2:]:
        return output
    return F.interpolate(output, labels.shape[-2:], mode="bilinear", align_corners=False)
