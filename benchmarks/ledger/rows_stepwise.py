"""Rows of the ledger for methods that cross a gap in steps: stated properties, on turning and on real data."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.ndimage import rotate
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from benchmarks.ledger.rows import Row
from landbridge.data import make_gradual_shift, shared_data
from landbridge.stepwise import (
    GradualSelfTraining,
    TransitiveTransfer,
    choose_intermediate,
    coupled_nmtf,
    fold_in,
    gradual_self_training,
)

__all__ = ["ROWS"]

# Seeds on which nothing was chosen.
SEEDS = range(1, 6)


def _listed(found: dict[str, list[float]]) -> str:
    return ", ".join(f"{k} {np.mean(v):.3f} ± {np.std(v, ddof=1):.3f}" for k, v in found.items())


def _walks(learner: Any, Xs: Any, ys: Any, path: list[Any], Xt: Any, yt: Any) -> dict[str, float]:
    """Accuracy on the target without steps, with as many rounds on the target alone, at once, and in steps."""
    source = learner.fit(Xs, ys)
    direct, _, _ = gradual_self_training(source, Xs, ys, [Xt] * (len(path) + 1))
    at_once, _, _ = gradual_self_training(source, Xs, ys, [np.vstack([*path, Xt])])
    gradual = GradualSelfTraining(learner).fit(Xs, ys, X_target=Xt, intermediate_domains=path)
    models = {"source-only": source, "target alone": direct, "all at once": at_once, "in steps": gradual}
    return {name: float(model.score(Xt, yt)) for name, model in models.items()}


def gradual_turning() -> Row:
    """GradualSelfTraining follows two Gaussians that turn by 140 degrees."""
    found: dict[str, list[float]] = {}
    for seed in SEEDS:
        source, *path, target = make_gradual_shift(8, angle=140.0, random_state=seed)
        step = _walks(LogisticRegression(), source.X, source.y, [d.X for d in path], target.X, target.y)
        for name, value in step.items():
            found.setdefault(name, []).append(value)
    return Row(
        ("GradualSelfTraining",),
        "Two Gaussians turned by 140° in 7 steps, logistic regression: lowest accuracy of 5 seeds",
        0.97, "stated property", 0.0, min(found["in steps"]), _listed(found),
    )  # fmt: skip


def gradual_digits() -> Row:
    """GradualSelfTraining follows digits that turn from 0 to 60 degrees, the paper's protocol on fewer rows."""
    with np.load(_path("mnist_20k.npz")) as data:
        images, y = data["train_X"].astype(np.float32) / 255.0, data["train_y"].astype(int)
    found: dict[str, list[float]] = {}
    n_source, n_path, n_target = 2000, 7000, 1000
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        rows = rng.permutation(len(y))[: n_source + n_path + n_target]
        angles = np.concatenate(
            [rng.uniform(0, 5, n_source), np.linspace(5, 60, n_path), rng.uniform(55, 60, n_target)]
        )
        X, labels = np.array([_turned(images[r], a) for r, a in zip(rows, angles, strict=True)]), y[rows]
        path = np.array_split(X[n_source:-n_target], 8)
        step = _walks(
            SVC(C=10), X[:n_source], labels[:n_source], path, X[-n_target:], labels[-n_target:]
        )  # fmt: skip
        for name, value in step.items():
            found.setdefault(name, []).append(100 * value)
    gain = np.subtract(found["in steps"], found["target alone"])
    note = f"{_listed(found)}; worst gain {gain.min():+.1f}. C and the number of steps were set on another seed"
    return Row(
        ("GradualSelfTraining",),
        "MNIST turned from 0° to 60°, 14 x 14 pixels, 2,000 labelled upright rows, 8 steps, SVC with C = 10: points "
        "gained over self-training on the target alone, mean of 5 seeds",
        10.0, "stated property", 0.0, float(gain.mean()), note,
    )  # fmt: skip


def gradual_by_distance() -> Row:
    """GradualSelfTraining finds the steps itself in a target that is spread along a turn by 80 degrees."""
    found: dict[str, list[float]] = {"source-only": [], "self-training at once": [], "in steps": []}
    for seed in SEEDS:
        source, *path = make_gradual_shift(8, angle=80.0, random_state=seed)
        X, y = np.vstack([d.X for d in path]), np.concatenate([d.y for d in path])
        model = GradualSelfTraining().fit(source.X, source.y, X_target=X)
        at_once, _, _ = gradual_self_training(model.source_estimator_, source.X, source.y, [X])
        for name, one in zip(found, (model.source_estimator_, at_once, model), strict=True):
            found[name].append(float(one.score(X, y)))
    return Row(
        ("GradualSelfTraining",),
        "Two Gaussians spread over a turn by 80° and not sorted, steps by distance: lowest accuracy of 5 seeds",
        0.98, "stated property", 0.0, min(found["in steps"]), _listed(found),
    )  # fmt: skip


Texts = tuple[str, list[Any], list[NDArray[np.int64]], list[Any]]


def _news(cap: int = 400) -> Iterator[Texts]:
    """Twelve triples of 20 Newsgroups: each pair of four top groups, from the first subgroups to the last, and back.

    The subgroups between are the middle domain, without labels. Bodies only, tf-idf; the fourth entry holds the middle
    and texts of either of the other two top groups.
    """
    with np.load(_path("newsgroups20_bydate.npz")) as data:
        classes, y, offsets = [str(c) for c in data["classes"]], data["y"], data["offsets"]
        text = data["text"].tobytes()
    rng = np.random.default_rng(0)
    tops = {t: [c for c in classes if c.startswith(f"{t}.")] for t in ("comp", "rec", "sci", "talk")}

    def body(i: int) -> str:
        return text[offsets[i] : offsets[i + 1]].decode("latin1").split("\n\n", 1)[-1]

    def take(names: list[str]) -> NDArray[np.intp]:
        rows = np.flatnonzero(np.isin(y, [classes.index(c) for c in names]))
        return rng.permutation(rows)[:cap]

    for (one, two), back in itertools.product(itertools.combinations(tops, 2), (1, -1)):
        P, Q = tops[one][::back], tops[two][::back]
        sides = [(take(P[:1]), take(Q[:1])), (take(P[1:-1]), take(Q[1:-1])), (take(P[-1:]), take(Q[-1:]))]
        others = [take(tops[t]) for t in tops if t not in (one, two)]
        rows = [np.concatenate(pair) for pair in sides]
        labels = [np.repeat([0, 1], [len(a), len(b)]) for a, b in sides]
        words = TfidfVectorizer(sublinear_tf=True, min_df=3, max_df=0.5, stop_words="english")
        words.fit([body(i) for r in rows for i in r])
        X = [words.transform([body(i) for i in r]) for r in rows]
        candidates = [X[1], *(words.transform([body(i) for i in r]) for r in others)]
        yield f"{one}/{two}{' back' if back < 0 else ''}", X, labels, candidates


def _direct(Xs: Any, ys: Any, Xt: Any) -> NDArray[np.int64]:
    """The same factorisation of source and target alone, without a middle."""
    guess = LogisticRegression(max_iter=1000).fit(Xs, ys).predict_proba(Xt)
    found = coupled_nmtf(Xs, Xt, Xt, np.eye(2)[ys], guess, guess, target_pair_weight=1e-9, random_state=0)
    return fold_in(Xt, found.profiles[1]).argmax(axis=1)


def _against_direct(two_vocabularies: bool) -> tuple[dict[str, list[float]], str]:
    found: dict[str, list[float]] = {"source-only": [], "chain of classifiers": [], "no middle": [], "TTL": []}
    told = []
    for number, (name, (Xs, Xd, Xt), (ys, _, yt), _) in enumerate(_news()):
        if two_vocabularies:
            known = np.random.default_rng(1000 + number).random(Xs.shape[1]) < 0.5
            Xs, Xt = (sparse.csr_matrix(X @ sparse.diags(k.astype(float))) for X, k in ((Xs, known), (Xt, ~known)))
        model = TransitiveTransfer(random_state=0).fit(Xs, ys, X_target=Xt, intermediate_domains=[Xd])
        source = model.source_estimator_
        chain = LogisticRegression(max_iter=1000).fit(Xd, source.predict(Xd))
        answers = (source.predict(Xt), chain.predict(Xt), _direct(Xs, ys, Xt), model.predict(Xt))
        for key, predicted in zip(found, answers, strict=True):
            found[key].append(100 * float(np.mean(predicted == yt)))
        told.append(f"{name} {found['TTL'][-1]:.0f}")
    return found, "; TTL on each: " + ", ".join(told)


def ttl_two_vocabularies() -> Row:
    """TransitiveTransfer between texts without a word in common."""
    found, each = _against_direct(two_vocabularies=True)
    best = max(float(np.mean(v)) for k, v in found.items() if k != "TTL")
    return Row(
        ("TransitiveTransfer",),
        "20 Newsgroups, 12 triples, source and target without a common word, other subgroups with all words between: "
        "points over the best of source-only, classifier after classifier and the factorisation without a middle",
        20.0, "stated property", 0.0, float(np.mean(found["TTL"])) - best,
        f"{_listed(found)}{each}. The number of clusters was "
        "set on eight of the triples with other halves of the words",
    )  # fmt: skip


def ttl_one_vocabulary() -> Row:
    """TransitiveTransfer where source and target share their words: no worse than without a middle."""
    found, each = _against_direct(two_vocabularies=False)
    return Row(
        ("TransitiveTransfer",),
        "20 Newsgroups, the same triples with all words everywhere: not below the factorisation without a middle",
        float(np.mean(found["no middle"])), "stated property", 1.0,
        float(np.mean(found["TTL"])), _listed(found) + each,
    )  # fmt: skip


def ttl_choice() -> Row:
    """The default rule finds the middle domain among three."""
    right, picks = 0, []
    for name, X, _, candidates in _news():
        choice = choose_intermediate(X[0], candidates, X[2], random_state=0)
        right += choice.key == 0
        picks.append(f"{name} {' '.join(f'{-s:.2f}' for s in choice.scores)}")
    return Row(
        ("TransitiveTransfer",),
        "20 Newsgroups, the same triples: share in which the shortest longer leg finds the middle domain among it and "
        "texts of the two other top groups",
        0.9, "stated property", 0.0, right / len(picks),
        "longer leg of the middle and of the others: " + ", ".join(picks),
    )  # fmt: skip


def _turned(image: NDArray[np.float32], angle: float) -> NDArray[np.float32]:
    return rotate(image, angle, reshape=False, order=1).reshape(14, 2, 14, 2).mean(axis=(1, 3)).ravel()


def _path(name: str) -> Any:
    path = shared_data(name)
    if path is None:
        raise FileNotFoundError(f"{name} is not in the shared data folder")
    return path


ROWS = [gradual_turning, gradual_digits, gradual_by_distance, ttl_two_vocabularies, ttl_one_vocabulary, ttl_choice]
