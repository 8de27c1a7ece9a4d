"""Pairs of texts: counts of words, some left sparse, some reduced to their leading components."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from benchmarks.guard_audit.pairs import MAX_FEATURES, Pair, Sides, limited, split
from benchmarks.ledger.sets import amazon_reviews, file

__all__ = ["newsgroups", "text_pairs"]

# The usual cross-domain tasks: two top-level topics, each with sub-topics that are only in one domain.
TOPICS = (
    ("comp", ("comp.graphics", "comp.os"), ("comp.sys.ibm", "comp.windows"),
     "sci", ("sci.crypt", "sci.electronics"), ("sci.med", "sci.space")),
    ("rec", ("rec.autos", "rec.motorcycles"), ("rec.sport.baseball", "rec.sport.hockey"),
     "talk", ("talk.politics.guns", "talk.politics.misc"), ("talk.politics.mideast", "talk.religion")),
    ("rec", ("rec.autos", "rec.sport.baseball"), ("rec.motorcycles", "rec.sport.hockey"),
     "sci", ("sci.med", "sci.space"), ("sci.crypt", "sci.electronics")),
)  # fmt: skip


def text_pairs() -> Iterator[Pair]:
    """Go through reviews, newsgroups and short messages.

    Yields
    ------
    Pair
    """
    for a, b in (("books", "dvd"), ("dvd", "books")):
        for counts in (True, False):

            def reviews(rng: np.random.Generator, a: str = a, b: str = b, counts: bool = counts) -> Sides:
                found = amazon_reviews()
                features = None if counts else MAX_FEATURES
                sides = (*found[f"{a}_train"], *found[f"{b}_train"])
                return split(*sides, rng, features=features)

            yield Pair(f"reviews {a} > {b}{', counts' if counts else ''}", "real", "reviews", reviews, True)
    for i, (one, _, _, two, _, _) in enumerate(TOPICS):

        def topics(rng: np.random.Generator, i: int = i) -> Sides:
            _, a, b, _, c, d = TOPICS[i]
            return sides_of_topics((a, c), (b, d), rng)

        yield Pair(f"newsgroups {one} or {two}", "real", "newsgroups", topics, True)
    yield Pair("sms short > long", "real", "sms", _messages)


@lru_cache(maxsize=1)
def newsgroups() -> tuple[list[str], Any, list[str]]:
    """The first 2,000 characters of every post without its headers, its group, and the names of the groups.

    Returns
    -------
    texts, y, classes
    """
    with np.load(file("newsgroups20_bydate.npz")) as d:
        whole, offsets, y, classes = d["text"].tobytes(), d["offsets"], d["y"].astype(int), d["classes"].tolist()
    texts = []
    for a, b in pairwise(offsets):
        head = whole[a : min(b, a + 4000)].decode("utf-8", "replace")
        texts.append(head.split("\n\n", 1)[-1][:2000])
    return texts, y, classes


def sides_of_topics(source: Any, target: Any, rng: np.random.Generator) -> Sides:
    """Two pairs of groups of posts, as leading components of their words.

    Parameters
    ----------
    source, target : tuple of two tuples of str
        Prefixes of the groups of each class.
    rng : numpy.random.Generator

    Returns
    -------
    Sides
    """
    return _texts(*_side(*source), *_side(*target), rng)


def _side(first: Any, second: Any) -> tuple[list[str], Any]:
    texts, y, classes = newsgroups()
    chosen, labels = [], []
    for label, prefixes in enumerate((first, second)):
        groups = [i for i, c in enumerate(classes) if c.startswith(tuple(prefixes))]
        rows = np.flatnonzero(np.isin(y, groups))
        chosen += [texts[r] for r in rows]
        labels += [label] * len(rows)
    return chosen, np.array(labels)


def _texts(ws: list[str], ys: Any, wt: list[str], yt: Any, rng: np.random.Generator) -> Sides:
    (As, ys), (At, yt) = limited(np.array(ws, object), ys, rng), limited(np.array(wt, object), yt, rng)
    words = TfidfVectorizer(min_df=3, stop_words="english", sublinear_tf=True).fit([*As, *At])
    return split(words.transform(As), ys, words.transform(At), yt, rng, features=MAX_FEATURES)


def _messages(rng: np.random.Generator) -> Sides:
    table = pd.read_csv(file("sms_spam.tsv.gz"), sep="\t", header=None, names=["y", "text"], quoting=3)
    y, length = (table["y"] == "spam").to_numpy().astype(int), table["text"].str.len().to_numpy()
    middle = np.median(length)
    texts = table["text"].to_numpy(object)
    (As, ys) = limited(texts[length < middle], y[length < middle], rng)
    (At, yt) = limited(texts[length >= middle], y[length >= middle], rng)
    words = CountVectorizer(min_df=3, max_features=1000).fit([*As, *At])
    return Sides(words.transform(As).astype(float), ys, words.transform(At).astype(float), yt)
