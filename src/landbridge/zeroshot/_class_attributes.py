"""Class attributes computed from class means (prototypes) or from embedded class names."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.spatial.distance import cdist
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.utils.validation import check_array

from landbridge.exceptions import InputError, LabelError

__all__ = ["classical_scaling", "name_attributes", "prototype_attributes"]

METRICS = ("euclidean", "cosine", "cityblock", "correlation")


def classical_scaling(
    D: NDArray[np.float64], n_components: int | None = None, D_new: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    r"""Compute classical multidimensional scaling of a distance matrix.

    .. math:: B = -\tfrac12 J D^{(2)} J = U \Lambda U^\top, \quad Z = U \Lambda^{1/2}, \quad
        z_{new} = \tfrac12 \Lambda^{-1/2} U^\top (\bar d^{(2)} - d^{(2)}_{new})

    with J the centring matrix and :math:`\bar d^{(2)}` the mean squared distance from each point [1]_ [2]_. For
    Euclidean distances these are principal components.

    Parameters
    ----------
    D : ndarray of shape (n_points, n_points)
        Distances.
    n_components : int, default=None
        Dimension of the embedding. If None, all dimensions with an eigenvalue above 1e-9 of the largest.
    D_new : ndarray of shape (n_new, n_points), default=None
        Distances of new points from those of `D`; they are embedded out of sample.

    Returns
    -------
    Z : ndarray of shape (n_points, n_components)
        Coordinates.
    Z_new : ndarray of shape (n_new, n_components) or None
        Coordinates of the new points.

    References
    ----------
    .. [1] W. Torgerson. Multidimensional scaling: I. Theory and method. Psychometrika 17, 1952.
    .. [2] J. Gower. Adding a point to vector diagrams in multivariate analysis. Biometrika 55, 1968.

    Examples
    --------
    >>> import numpy as np
    >>> from landbridge.zeroshot import classical_scaling
    >>> Z, new = classical_scaling(np.array([[0.0, 2.0], [2.0, 0.0]]), D_new=np.array([[1.0, 1.0]]))
    >>> np.round(np.abs(Z), 6).tolist(), np.round(np.abs(new), 6).tolist()
    ([[1.0], [1.0]], [[0.0]])
    """
    squared = np.asarray(D, dtype=np.float64) ** 2
    means = squared.mean(axis=0)
    B = -0.5 * (squared - means - means[:, None] + squared.mean())
    values, U = linalg.eigh(B)
    values, U = values[::-1], U[:, ::-1]
    kept = int(np.sum(values > 1e-9 * max(float(values[0]), 1e-300)))
    kept = max(kept if n_components is None else min(kept, n_components), 1)
    values, U = np.maximum(values[:kept], 1e-300), U[:, :kept]
    # The sign of an eigenvector is arbitrary: the largest entry is made positive, so that results are deterministic.
    U = U * np.sign(U[np.abs(U).argmax(axis=0), np.arange(kept)])
    new = None if D_new is None else 0.5 * (means - np.asarray(D_new, dtype=np.float64) ** 2) @ (U / np.sqrt(values))
    return U * np.sqrt(values), new


def prototype_attributes(
    X: Any,
    y: Any,
    n_components: int | None = None,
    *,
    metric: str = "euclidean",
    X_few: Any = None,
    y_few: Any = None,
    relations: Mapping[Any, Mapping[Any, float]] | None = None,
) -> dict[Any, NDArray[np.float64]]:
    """Compute class attributes by dimensionality reduction of the prototypes (class means).

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Samples of the seen classes.
    y : array-like of shape (n_samples,)
        Class labels.
    n_components : int, default=None
        Number of attributes. If None, the rank of the centred means, at most the number of classes less one.
    metric : {"euclidean", "cosine", "cityblock", "correlation"}, default="euclidean"
        Distance of class means. ``"euclidean"`` gives principal components of the means, the others classical
        multidimensional scaling.
    X_few : array-like of shape (n_few, n_features), default=None
        A few samples of classes that are not in `y`; their means are embedded out of sample.
    y_few : array-like of shape (n_few,), default=None
        Class labels of `X_few`.
    relations : dict, default=None
        Class that is not in `y` to a dict of class to weight: the weighted mean of attributes of other classes that
        it gets, as in ``{"zebra": {"horse": 2, "tiger": 1}}``. Weights are divided by their sum.

    Returns
    -------
    dict of class to ndarray of shape (n_components,)
        For ``fit(X, y, attributes=...)`` of a zero-shot classifier: seen classes first, then those of `y_few`, then
        those of `relations`.

    Raises
    ------
    InputError, LabelError
        If samples, labels or relations are inconsistent.

    Notes
    -----
    These attributes hold no information beyond the samples: an unseen class needs a few samples or a relation to other
    classes. They help when no list of attributes exists, and hurt when a class mean is a poor summary of its class. The
    components are computed on the seen classes alone. With n samples, d features and c classes: time
    O(n d + c² d + c³), memory O(c² + c d) in addition to the samples.

    References
    ----------
    .. [1] W. Torgerson. Multidimensional scaling: I. Theory and method. Psychometrika 17, 1952.

    Examples
    --------
    >>> from landbridge.zeroshot import ESZSL, prototype_attributes
    >>> X = [[0.0, 0.0], [0.2, 0.0], [4.0, 0.0], [4.2, 0.0], [0.0, 4.0], [0.2, 4.0]]
    >>> y = ["pig", "pig", "horse", "horse", "tiger", "tiger"]
    >>> attributes = prototype_attributes(X, y, relations={"zebra": {"horse": 1, "tiger": 1, "pig": -1}})
    >>> list(attributes)
    ['horse', 'pig', 'tiger', 'zebra']
    >>> model = ESZSL(candidate_classes="all", alpha=0.01, alpha_attributes=0.01)
    >>> model.fit(X, y, attributes=attributes).predict([[4.0, 4.0]]).tolist()
    ['zebra']
    """
    if metric not in METRICS:
        raise InputError(f"metric={metric!r} is unknown; choose from {', '.join(METRICS)}.")
    if n_components is not None and n_components < 1:
        raise InputError(f"n_components must be 1 or more; got {n_components}.")
    names, means = _means(X, y, "X", "y")
    if len(names) < 2:
        raise LabelError(f"y holds one class only, {names[0]!r}; give samples of two classes or more.")
    new_names: list[Any] = []
    D_new = None
    if (X_few is None) != (y_few is None):
        raise InputError("X_few and y_few go together; give both or neither.")
    if X_few is not None:
        new_names, new_means = _means(X_few, y_few, "X_few", "y_few")
        if both := [c for c in new_names if c in set(names)]:
            raise LabelError(f"y_few holds the class {both[0]!r}, which y has too; give its samples in X only.")
        if new_means.shape[1] != means.shape[1]:
            raise InputError(
                f"X_few has {new_means.shape[1]} features but X has {means.shape[1]}; give the same features."
            )
        D_new = cdist(new_means, means, metric)
    Z, Z_new = classical_scaling(cdist(means, means, metric), n_components, D_new)
    found = dict(zip(names, Z, strict=True))
    if Z_new is not None:
        found |= dict(zip(new_names, Z_new, strict=True))
    for name, mixed in (relations or {}).items():
        found[name] = _mixture(name, mixed, found)
    return found


def name_attributes(
    names: Sequence[Any],
    embed: Callable[[list[str]], Any] | str | os.PathLike[str] | None = None,
    *,
    n_features: int = 256,
) -> dict[Any, NDArray[np.float64]]:
    """Compute class attributes by embedding the class names as text.

    Parameters
    ----------
    names : sequence of str
        Seen and unseen classes. Underscores, hyphens and plus signs are read as spaces.
    embed : callable, path-like or None, default=None
        Maps a list of texts to an array of shape (n_names, n_attributes): a callable, or the folder of a text model of
        the package ``transformers``, which is loaded from disk only and averaged over the tokens. If None, character
        n-grams are hashed. **Hashing compares spelling only**: "polar bear" is near "grizzly bear", but "cat" is near
        "bat" and far from "lion". It needs no model and no download.
    n_features : int, default=256
        Number of attributes if `embed` is None.

    Returns
    -------
    dict of class to ndarray of shape (n_attributes,)
        Vectors of unit norm, for ``fit(X, y, attributes=...)`` of a zero-shot classifier.

    Raises
    ------
    InputError
        If the embedding has the wrong shape, or the folder holds no model.

    Notes
    -----
    Accuracy depends on the text model: its similarity of two names must reflect the similarity of their samples.

    References
    ----------
    .. [1] A. Frome, G. Corrado, J. Shlens, S. Bengio, J. Dean, M. Ranzato, T. Mikolov. DeViSE: a deep visual-semantic
       embedding model. NIPS 2013.

    Examples
    --------
    >>> from landbridge.zeroshot import name_attributes
    >>> found = name_attributes(["polar bear", "grizzly bear", "otter"])
    >>> bool(found["polar bear"] @ found["grizzly bear"] > found["polar bear"] @ found["otter"])
    True
    """
    keys = list(names)
    if not keys:
        raise InputError("names is empty; give the class names.")
    texts = [re.sub(r"[\s_+\-]+", " ", str(k)).strip().lower() for k in keys]
    if bad := [k for k, t in zip(keys, texts, strict=True) if not t]:
        raise InputError(f"names holds {bad[0]!r}, which has no letters; give each class a name.")
    if len(set(keys)) < len(keys):
        raise InputError("names holds a class twice; give each class once.")
    if embed is None:
        hashing = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), n_features=n_features, norm=None)
        vectors = hashing.transform(texts).toarray()
    elif callable(embed):
        vectors = np.asarray(embed(texts), dtype=np.float64)
    else:
        vectors = _text_model(Path(embed), texts)
    if vectors.ndim != 2 or len(vectors) != len(keys):
        raise InputError(
            f"embed gave an array of shape {vectors.shape} for {len(keys)} names; return one vector for each name."
        )
    if not np.isfinite(vectors).all():
        raise InputError("embed gave NaN or infinity; give finite vectors.")
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return dict(zip(keys, vectors, strict=True))


def _means(X: Any, y: Any, x_name: str, y_name: str) -> tuple[list[Any], NDArray[np.float64]]:
    """Return the classes, sorted, and their means."""
    try:
        X = check_array(X, dtype=np.float64)
    except ValueError as error:
        raise InputError(
            f"{x_name} must be a two-dimensional array of finite numbers: {str(error).splitlines()[0]}"
        ) from error
    y = np.asarray(y)
    if y.shape != (len(X),):
        raise LabelError(f"{y_name} has shape {y.shape} but {x_name} has {len(X)} samples; give one label per sample.")
    classes, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    order = np.argsort(codes, kind="stable")
    sums = np.add.reduceat(X[order], np.concatenate([[0], np.cumsum(counts)[:-1]]), axis=0)
    return classes.tolist(), sums / counts[:, None]


def _mixture(name: Any, mixed: Any, found: Mapping[Any, NDArray[np.float64]]) -> NDArray[np.float64]:
    if name in found:
        raise InputError(f"relations holds {name!r}, which has samples already; remove it.")
    if not isinstance(mixed, Mapping) or not mixed:
        raise InputError(f"relations[{name!r}] must be a dict of class to weight.")
    if foreign := [c for c in mixed if c not in found]:
        raise InputError(
            f"relations[{name!r}] holds {foreign[0]!r}, which has no attributes; choose a class that has some."
        )
    total = float(sum(mixed.values()))
    if not np.isfinite(total) or abs(total) < 1e-12:
        raise InputError(
            f"relations[{name!r}] has weights that sum to {total:g}; give weights with a sum other than 0."
        )
    return np.sum([float(w) * found[c] for c, w in mixed.items()], axis=0) / total


def _text_model(folder: Path, texts: list[str]) -> NDArray[np.float64]:
    """Compute the mean of the last hidden states of a text model over the tokens of each text."""
    if not (folder / "config.json").is_file():
        raise InputError(
            f"embed={str(folder)!r} is no folder of a text model (no config.json); give the folder of a saved model."
        )
    from transformers import AutoModel, AutoTokenizer

    reader: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model: Any = AutoModel.from_pretrained(folder, local_files_only=True).eval().requires_grad_(False)
    words = reader(texts, padding=True, truncation=True, return_tensors="pt")
    hidden = model(**words).last_hidden_state.double().numpy()
    mask = words["attention_mask"].double().numpy()[..., None]
    return (hidden * mask).sum(axis=1) / np.maximum(mask.sum(axis=1), 1.0)
