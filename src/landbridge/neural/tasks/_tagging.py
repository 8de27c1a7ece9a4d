"""Tagging: one tag per word of a sentence, such as the entities that it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from landbridge.data._tags import OUTSIDE, is_tag, tag_spans, to_iob2
from landbridge.data.formats._conll import TaggedSentences, form_of, read_tagged, write_conll, write_tagged_json
from landbridge.exceptions import InputError, LabelError
from landbridge.neural._ragged import IGNORED, padded
from landbridge.neural._samples import Samples
from landbridge.neural._states import Features
from landbridge.neural.structured._crf import ChainWeights, LinearChainCRF, chain_decode, chain_loss, iob2_allowed
from landbridge.neural.structured._spans import EntityScores
from landbridge.neural.tasks._task import Metric, Task

__all__ = ["Tagging"]


class Tagging(Task):
    """Tagging of words in IOB2, scored by the entities that are found exactly.

    Parameters
    ----------
    types : sequence of str
        Types of entities.
    crf : bool, default=False
        Whether tags depend on their neighbours, by a linear-chain conditional random field. Rules of IOB2 hold for
        every prediction in either case.

    Attributes
    ----------
    tags : list of str
        By number: ``"O"``, then those of each type.

    Notes
    -----
    Words without a tag (None) do not count. Time grows with the number of words, and the square of that of tags.

    References
    ----------
    .. [1] G. Lample, M. Ballesteros, S. Subramanian, K. Kawakami, C. Dyer. Neural architectures for named entity
       recognition. NAACL 2016.

    Examples
    --------
    >>> from landbridge.neural.tasks import Tagging
    >>> task = Tagging.from_labels([["B-PER", "O"]])
    >>> task.tags, task.encode([["O", "B-PER"]])
    (['O', 'B-PER', 'I-PER'], [tensor([0, 1])])
    """

    name = "tagging"
    metric_name = "entity F1"
    takes = "tokens"
    structured = True

    def __init__(self, types: Sequence[str], crf: bool = False) -> None:
        self.types, self.crf = sorted(types), bool(crf)
        self.tags = [OUTSIDE, *(f"{edge}-{t}" for t in self.types for edge in "BI")]
        self.n_outputs = len(self.tags)

    @classmethod
    def from_labels(cls, labels: Sequence[Any], crf: bool = False) -> Self:  # type: ignore[override]
        """Make the task for the types of entities that the labels hold.

        Parameters
        ----------
        labels : sequence of sequence of str
            Tags of each sentence.
        crf : bool, default=False

        Returns
        -------
        Tagging

        Raises
        ------
        LabelError
            If they hold no entity.
        """
        types = _types(labels)
        if not types:
            raise LabelError("y holds no entity, only the tag 'O'; give sentences of which some have entities.")
        return cls(sorted(types), crf)

    @classmethod
    def check(cls, X: Any, y: Any = None, name: str = "X") -> tuple[list[Any], list[Any] | None]:
        """Check sentences and their tags, which are converted to IOB2.

        Parameters
        ----------
        X : sequence of sequence of str, or TaggedSentences
        y : sequence of sequence of str, optional
            One tag per word, None for words without; None for sentences without tags.
        name : str, default="X"

        Returns
        -------
        X : list of list of str
        y : list of list of str, or None

        Raises
        ------
        InputError, LabelError
            If a sentence is no list of words, or has not one tag per word.
        """
        rows, labels = super().check(X.tokens if isinstance(X, TaggedSentences) else X, y, name)
        for i, words in enumerate(rows):
            if isinstance(words, str) or not all(isinstance(w, str) and w for w in words):
                raise InputError(f"{name}: sentence {i} must be a list of words; split its text into words.")
        if labels is None:
            return [list(map(str, words)) for words in rows], None
        out: list[Any] = []
        for i, (words, tags) in enumerate(zip(rows, labels, strict=True)):
            if tags is None or isinstance(tags, float):
                out.append(None)
                continue
            if isinstance(tags, str) or len(tags) != len(words):
                raise LabelError(f"{name.replace('X', 'y', 1)}: sentence {i} must have one tag for each of its words.")
            out.append(_as_iob2(tags, i, name.replace("X", "y", 1)))
        return [list(map(str, words)) for words in rows], out

    @classmethod
    def make_backbone(
        cls, backbone: Any, X: Sequence[Any], *, pretrained: bool = True, random_state: Any = None
    ) -> Any:
        """Make an encoder of words: ``"characters"``, or any encoder of transformers.

        Parameters
        ----------
        backbone : str, path-like, Module or Network
            ``"auto"`` is ``"characters"``.
        X : sequence
        pretrained : bool, default=True
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        Network
        """
        from landbridge.neural.backbones import load_backbone
        from landbridge.neural.backbones._words import TextInput

        named = "characters" if isinstance(backbone, str) and backbone == "auto" else backbone
        network = load_backbone(named, pretrained=pretrained, random_state=random_state)
        if isinstance(network.preprocess, TextInput):
            from landbridge.neural.backbones._pieces import words_backbone

            return words_backbone(network)
        return network

    def read_inputs(self, network: Any, X: Sequence[Any]) -> list[dict[str, Tensor]]:
        """Convert sentences to the network's input, one by one.

        Parameters
        ----------
        network : Network
        X : sequence of sequence of str

        Returns
        -------
        list of dict of str to Tensor
        """
        read = getattr(network.preprocess, "read", None)
        if read is None or not getattr(network.preprocess, "reads_words", False):
            raise InputError("this backbone reads no words; take 'characters' or an encoder of texts.")
        return [{k: v[0] for k, v in read([words]).items()} for words in X]

    def head(self, in_features: int) -> nn.Module:
        """Make a new head: a linear layer on each word, with a conditional random field where asked for.

        Parameters
        ----------
        in_features : int

        Returns
        -------
        Module
        """
        return _ChainHead(in_features, self.tags) if self.crf else super().head(in_features)

    def accepts(self, labels: Sequence[Any]) -> bool:
        """Return whether all entities of the labels are of known types.

        Parameters
        ----------
        labels : sequence of sequence of str

        Returns
        -------
        bool
        """
        return _types(labels) <= set(self.types)

    def encode(self, y: Any) -> list[Tensor]:
        """Encode tags as numbers; those of words without a tag are ignored.

        Parameters
        ----------
        y : sequence of sequence of str

        Returns
        -------
        list of Tensor of int64
        """
        number: dict[Any, int] = {tag: i for i, tag in enumerate(self.tags)} | {None: IGNORED}
        unknown = sorted({str(t) for tags in y for t in tags if t not in number})
        if unknown:
            raise LabelError(
                f"the labels hold the tag {unknown[0]}, for which the head of {len(self.types)} types has no output; "
                "fit again with all types, or drop those sentences."
            )
        # A sentence without words still takes a place in a batch.
        return [torch.tensor([number[t] for t in tags] or [IGNORED]) for tags in y]

    def weight(self, labels: Tensor) -> Tensor:
        """Return the number of tagged words.

        Parameters
        ----------
        labels : Tensor of shape (n, n_words)

        Returns
        -------
        Tensor
        """
        return (labels != IGNORED).sum()

    def loss(self, output: dict[str, Tensor], labels: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the loss summed over tagged words, and their number.

        Parameters
        ----------
        output : dict of str to Tensor
            ``logits`` of shape (n, n_words, n_tags), and ``mask``.
        labels : Tensor of shape (n, n_words)

        Returns
        -------
        total, weight : Tensor
        """
        logits = output["logits"]
        labels = padded(labels, logits.shape[1], IGNORED)
        if self.crf:
            return chain_loss(logits, labels, _chain(output), output["mask"])
        total = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum")
        return total, self.weight(labels)

    def metric(self) -> Metric:
        """Make an accumulator of the F1 of entities of all types.

        Returns
        -------
        Metric
        """
        return _EntityF1(self)

    def predict(self, output: dict[str, Tensor]) -> list[list[str]]:
        """Find the tags of the highest score that obey the rules of IOB2.

        Parameters
        ----------
        output : dict of str to Tensor

        Returns
        -------
        list of list of str
            One tag per word.
        """
        found, _ = chain_decode(output["logits"], _chain(output), output["mask"], iob2_allowed(self.tags))
        return [[self.tags[t] for t in row if t != IGNORED] for row in found.tolist()]

    def agreement(self, first: Any, second: Any) -> float:
        """Compute how far two predictions agree: F1 of the one's entities against the other's.

        Parameters
        ----------
        first, second : list of list of str

        Returns
        -------
        float
            From 0 to 1; 1 where neither holds an entity.
        """
        scores = EntityScores()
        scores.update(first, second)
        return scores.micro().f1 if scores.true or scores.predicted else 1.0

    @classmethod
    def stratum(cls, label: Any) -> bool:
        """Return whether a sentence holds an entity.

        Parameters
        ----------
        label : sequence of str

        Returns
        -------
        bool
        """
        return any(t is not None and t != OUTSIDE for t in label)

    @classmethod
    def position_features(cls, network: Any, X: Sequence[Any], y: Sequence[Any]) -> tuple[Any, Any, Any]:
        """Compute the vectors of tagged words.

        Parameters
        ----------
        network : Network
        X, y : sequence of sequence of str

        Returns
        -------
        features : ndarray of shape (n_words, n_features)
        labels : ndarray of str, shape (n_words,)
        groups : ndarray of int, shape (n_words,)
            The sentence of each word.
        """
        task = cls(sorted(_types(y)))
        rows = Samples(task.read_inputs(network, X)).bound(task)
        vectors, labels, groups = [], [], []
        network.eval()
        for cut in torch.arange(len(rows)).split(32):
            with torch.inference_mode():
                hidden = network.tokens(rows.take(cut)[0]).hidden.double().numpy()
            for i, held in zip(cut.tolist(), hidden, strict=True):
                kept = [j for j, tag in enumerate(y[i]) if tag is not None]
                vectors.append(held[kept])
                labels += [y[i][j] for j in kept]
                groups += [i] * len(kept)
        return np.concatenate(vectors), np.array(labels), np.array(groups)

    @classmethod
    def read_file(cls, path: str | Path) -> tuple[list[list[str]], Any, Any]:
        """Read a column file (CoNLL) or JSON lines; the content decides.

        Parameters
        ----------
        path : path-like
            Sentences with a tag ``_`` for every word, or without ``spans`` and ``tags``, are unlabelled.

        Returns
        -------
        X : list of list of str
        y : list of list of str or None, or None
        held : tuple of (TaggedSentences, str)
            The sentences, and the form of the file.
        """
        held, form = read_tagged(path, partial=True), form_of(path)
        return held.tokens, held.tags, (held, form)

    @classmethod
    def write_file(cls, path: str | Path, held: Any, predictions: Sequence[Any]) -> Path:
        """Write sentences with predicted tags in the form of the file that they were read from.

        Parameters
        ----------
        path : path-like
        held : tuple of (TaggedSentences, str)
        predictions : list of list of str

        Returns
        -------
        Path
        """
        sentences, form = held
        tagged = replace(sentences, tags=[list(tags) for tags in predictions])
        return write_conll(path, tagged) if form == "columns" else write_tagged_json(path, tagged, form)

    @classmethod
    def details(cls, labels: Sequence[Any], predictions: Sequence[Any]) -> dict[str, Any]:
        """Compute precision, recall and F1 of each type of entity.

        Parameters
        ----------
        labels, predictions : sequence of sequence of str

        Returns
        -------
        dict
        """
        scores = EntityScores()
        pairs = [_known(true, found) for true, found in zip(labels, predictions, strict=True)]
        scores.update([true for true, _ in pairs], [found for _, found in pairs])
        held = {"all types": scores.micro()} | scores.by_type()
        rows = [
            {"type": k, "precision": s.precision, "recall": s.recall, "F1": s.f1, "entities": s.support}
            for k, s in held.items()
        ]
        return {"rows": rows}

    @classmethod
    def score_labels(cls, labels: Sequence[Any], predictions: Sequence[Any]) -> float:
        """Compute the F1 of entities of all types.

        Parameters
        ----------
        labels, predictions : sequence of sequence of str

        Returns
        -------
        float
        """
        scores = EntityScores()
        pairs = [_known(true, found) for true, found in zip(labels, predictions, strict=True)]
        scores.update([true for true, _ in pairs], [found for _, found in pairs])
        return scores.micro().f1

    def show(self, x: Any, y: Any, prediction: Any) -> dict[str, str]:
        """Describe a sentence with its true and its predicted entities.

        Parameters
        ----------
        x : sequence of str
        y : sequence of str or None
        prediction : sequence of str

        Returns
        -------
        dict of str to str
            ``label``, where known, and ``prediction``: the sentence with its entities in brackets, each with its type.
        """
        shown = {} if y is None else {"label": _marked(x, [OUTSIDE if t is None else t for t in y])}
        return shown | {"prediction": _marked(x, prediction)}

    def write(self, path: str | Path, ids: Any, predictions: Any) -> Path:
        """Write predicted tags: JSON lines where the name ends in ``.jsonl`` or ``.json``, else lines of word and tag.

        Parameters
        ----------
        path : path-like
        ids : sequence of sequence of str, or TaggedSentences
            The sentences.
        predictions : list of list of str

        Returns
        -------
        Path
        """
        words = ids.tokens if isinstance(ids, TaggedSentences) else ids
        sentences = TaggedSentences.of_words(words, predictions)
        if Path(path).suffix in (".jsonl", ".json"):
            return write_tagged_json(path, sentences, "tokens")
        return write_conll(path, sentences)

    def read(self, path: str | Path) -> tuple[list[list[str]], Any]:  # type: ignore[override]
        """Read sentences and tags that ``write`` wrote.

        Parameters
        ----------
        path : path-like

        Returns
        -------
        sentences : list of list of str
        tags : list of list of str, or None
        """
        held = read_tagged(path)
        return held.tokens, held.tags


class _EntityF1(Metric):
    def __init__(self, task: Tagging) -> None:
        self.task, self.scores = task, EntityScores()

    def update(self, output: Any, labels: Any) -> None:
        found, tags = self.task.predict(output), self.task.tags
        rows = zip(labels.tolist(), found, strict=True)
        true = [[None if t == IGNORED else tags[t] for t in row[: len(one)]] for row, one in rows]
        pairs = [_known(one, other) for one, other in zip(true, found, strict=True)]
        self.scores.update([one for one, _ in pairs], [other for _, other in pairs])

    def compute(self) -> float:
        return self.scores.micro().f1


class _ChainHead(nn.Module):
    """Linear layer on each word, and the weights of tags that follow one another."""

    takes = "tokens"

    def __init__(self, in_features: int, tags: Sequence[str]) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, len(tags))
        self.crf = LinearChainCRF(len(tags), iob2_allowed(tags))

    def forward(self, x: Features) -> dict[str, Tensor]:
        logits = self.linear(x.hidden)
        # Beside each sample, so that an output can be cut and joined like any other.
        chain = {k: w.expand(len(logits), *w.shape) for k, w in self.crf.weights._asdict().items()}
        return {"logits": logits, "mask": x.places(), **chain}


def _chain(output: dict[str, Tensor]) -> ChainWeights:
    """Weights of tags that follow one another; zero for a linear head."""
    if "between" in output and len(output["between"]):
        return ChainWeights(output["start"][0], output["between"][0], output["end"][0])
    logits = output["logits"]
    n = logits.shape[-1]
    return ChainWeights(logits.new_zeros(n), logits.new_zeros(n, n), logits.new_zeros(n))


def _types(labels: Sequence[Any]) -> set[str]:
    return {t[2:] for tags in labels for t in tags if t is not None and t != OUTSIDE}


def _marked(words: Sequence[str], tags: Sequence[str]) -> str:
    """A sentence with its entities in brackets."""
    parts = list(words)
    for start, stop, label in tag_spans(tags):
        parts[start] = f"[{parts[start]}"
        parts[stop - 1] = f"{parts[stop - 1]}: {label}]"
    return " ".join(parts)


def _known(true: Sequence[Any], found: Sequence[str]) -> tuple[list[str], list[str]]:
    """Both without the words that have no true tag."""
    if len(true) != len(found):
        return list(true), list(found)
    kept = [i for i, t in enumerate(true) if t is not None]
    return [true[i] for i in kept], [found[i] for i in kept]


def _as_iob2(tags: Sequence[Any], i: int, name: str) -> list[Any]:
    for tag in tags:
        if tag is not None and not (isinstance(tag, str) and is_tag(tag)):
            raise LabelError(f"{name}: sentence {i} holds {tag!r}, which is no tag; give tags such as O and B-PER.")
    if any(tag is None for tag in tags):
        return list(tags)
    return to_iob2(list(tags))
