"""Pictures for the report, as SVG text that reads on light and dark pages alike."""

from __future__ import annotations

import base64
import html
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from landbridge.base import FeatureTransfer, InstanceTransfer
from landbridge.data._image_arrays import channels_last
from landbridge.domain import Domain
from landbridge.guard import MajorityVote, common_space
from landbridge.results import Result

__all__ = ["class_marks", "domains_before", "domains_shared", "example_strip"]

# Outlines of the markers around (0, 0), in the order of their glyphs.
MARKERS = (
    "M2.6 0A2.6 2.6 0 1 1-2.6 0 2.6 2.6 0 1 1 2.6 0Z",
    "M-2.3-2.3H2.3V2.3H-2.3Z",
    "M0-3 3 2.4H-3Z",
    "M0-3.3 3.3 0 0 3.3-3.3 0Z",
    "M0 3-3-2.4H3Z",
    "M-1.1-3.2H1.1V-1.1H3.2V1.1H1.1V3.2H-1.1V1.1H-3.2V-1.1H-1.1Z",
    "M0-3.4 1-1.1 3.3-1.1 1.5.5 2.1 2.9 0 1.5-2.1 2.9-1.5.5-3.3-1.1-1-1.1Z",
    "M-3-1.6-1.6-3 0-1.4 1.6-3 3-1.6 1.4 0 3 1.6 1.6 3 0 1.4-1.6 3-3 1.6-1.4 0Z",
)
GLYPHS = "●■▲◆▼★✚✖"
MOST_POINTS = 500
# Size of a picture.
WIDE, HIGH = 420, 310


def domains_before(result: Result) -> str | None:
    """Draw both domains in their two leading directions.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str or None
        SVG, or None without data, or where the domains have different features.
    """
    if result.source is None or result.target is None or result.source.X.shape[1] != result.target.X.shape[1]:
        return None
    Xs, Xt = _dense(result.source.X), _dense(result.target.X)
    if result.source.image_shape is None:
        Xs, Xt = _one_scale(Xs, Xt)
    return _scatter(Xs, Xt, result, None, "before", "Both domains as they came")


def class_marks(result: Result) -> list[tuple[str, str]]:
    """Return the marker of each class in the pictures.

    Parameters
    ----------
    result : Result

    Returns
    -------
    list of (glyph, class)
        Empty for regression, or where there are more classes than markers.
    """
    if result.task != "classification" or result.source is None or result.source.y is None:
        return []
    classes = np.unique(result.source.y).tolist()
    return [] if len(classes) > len(MARKERS) else [(g, str(c)) for g, c in zip(GLYPHS, classes, strict=False)]


def domains_shared(result: Result) -> tuple[str, str] | None:
    """Draw both domains after the mapping or reweighting of the chosen model.

    Parameters
    ----------
    result : Result

    Returns
    -------
    (svg, caption) or None
        None where nothing was mapped or reweighted.
    """
    if result.source is None or result.target is None:
        return None
    model, name = result.model, result.decision.chosen
    members = [(name, model)]
    if isinstance(model, MajorityVote):
        # the member with the largest gain represents the vote
        gains = {c.name: c.gain.value for c in result.candidates if c.gain is not None}
        members = sorted(zip(model.names, model.models, strict=True), key=lambda m: -gains.get(m[0], -np.inf))
    for member, one in members:
        steps = [s for _, s in getattr(one, "steps", [(member, one)])]
        reweighting = next((s for s in steps if isinstance(s, InstanceTransfer)), None)
        if reweighting is None and not any(isinstance(s, FeatureTransfer) for s in steps):
            continue
        Zs, Zt = common_space(one, result.source.frame(), result.target.frame())
        Zs, Zt = _dense(Zs), _dense(Zt)
        if reweighting is not None:
            caption = f"Source samples reweighted by {member}: the larger a point, the larger its weight."
            return _scatter(Zs, Zt, result, reweighting.source_weights_, "after", caption), caption
        caption = f"The common space of {member}" + (", one member of the vote." if len(members) > 1 else ".")
        return _scatter(*_one_scale(Zs, Zt), result, None, "after", caption), caption
    return None


def example_strip(domain: Domain, *, n: int = 10) -> str | None:
    """Draw a few images of a domain side by side.

    Parameters
    ----------
    domain : Domain
    n : int, default=10

    Returns
    -------
    str or None
        A PNG data URI; None if the samples are no images.
    """
    if domain.image_shape is None or sparse.issparse(domain.X):
        return None
    from PIL import Image

    rows = np.linspace(0, len(domain) - 1, min(n, len(domain))).astype(int)
    pixels: Any = np.asarray(domain.X[rows], dtype=np.float64).reshape(len(rows), *domain.image_shape)
    pixels, _ = channels_last(pixels)
    low, high = pixels.min(), pixels.max()
    pixels = np.uint8(255 * (pixels - low) / max(high - low, 1e-12))
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    if pixels.shape[3] < 3:  # grey
        pixels = np.repeat(pixels[..., :1], 3, axis=3)
    gap = np.full((pixels.shape[1], max(1, pixels.shape[2] // 8), 3), 128, dtype=np.uint8)
    strip = np.concatenate([part for image in pixels for part in (image[..., :3], gap)][:-1], axis=1)
    times = max(1, round(48 / pixels.shape[1]))
    picture = Image.fromarray(strip).resize((strip.shape[1] * times, strip.shape[0] * times), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _scatter(Zs: NDArray[Any], Zt: NDArray[Any], result: Result, weights: Any, key: str, title: str) -> str:
    rng = np.random.default_rng(0)
    keep_s, keep_t = (np.sort(rng.permutation(len(Z))[:MOST_POINTS]) for Z in (Zs, Zt))
    flat = _projected(np.concatenate([Zs[keep_s], Zt[keep_t]]))
    marks = _classes(result, keep_s, keep_t)
    areas = np.ones(len(keep_s)) if weights is None else 0.4 + 1.4 * np.minimum(weights[keep_s], 5.0)
    sides = (
        ("var(--source)", flat[: len(keep_s)], marks[0], np.sqrt(areas)),
        ("var(--mark)", flat[len(keep_s) :], marks[1], np.ones(len(keep_t))),
    )
    inner = "".join(
        f'<g fill="{colour}">{"".join(_mark(key, k, p, s) for p, k, s in zip(points, kinds, scales, strict=True))}</g>'
        for colour, points, kinds, scales in sides
    )
    shapes = "".join(f'<path id="{key}-m{k}" d="{MARKERS[k]}"/>' for k in sorted({int(k) for m in marks for k in m}))
    words = (
        f"Scatter plot of {len(keep_s)} source and {len(keep_t)} target samples, projected on their first two "
        "principal components."
    )
    # the inner viewport cuts off what lies outside the frame
    return (
        f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-labelledby="{key}-title {key}-desc">'
        f'<title id="{key}-title">{html.escape(title)}</title><desc id="{key}-desc">{html.escape(words)}</desc>'
        f'<defs>{shapes}</defs><svg width="{WIDE}" height="{HIGH}" fill-opacity=".85">{inner}</svg>'
        f'<rect x=".5" y=".5" width="{WIDE - 1}" height="{HIGH - 1}" fill="none" stroke="currentColor" '
        'stroke-opacity=".5"/></svg>'
    )


def _projected(both: NDArray[Any]) -> NDArray[np.float64]:
    """Samples in their two leading directions, as places in the picture."""
    both = both - both.mean(axis=0)
    axes = np.linalg.svd(both, full_matrices=False)[2][:2]
    # the sign of a direction means nothing; fix it so that the same result is the same picture
    axes = axes * np.where(axes.sum(axis=1, keepdims=True) < 0, -1, 1)
    flat = both @ axes.T
    if flat.shape[1] < 2:
        flat = np.column_stack([flat, np.zeros(len(flat))])
    # a few distant samples must not compress all others
    low, high = np.quantile(flat, [0.01, 0.99], axis=0)
    reach = np.maximum(high - low, 1e-9)
    shares = (flat - low + 0.12 * reach) / (1.24 * reach)
    return np.column_stack([WIDE * shares[:, 0], HIGH * (1 - shares[:, 1])])


def _mark(key: str, kind: int, place: Any, scale: float) -> str:
    x, y = place
    if not (-20 < x < WIDE + 20 and -20 < y < HIGH + 20):
        return ""
    if scale == 1.0:
        return f'<use href="#{key}-m{kind}" x="{x:.1f}" y="{y:.1f}"/>'
    return f'<use href="#{key}-m{kind}" transform="translate({x:.1f} {y:.1f}) scale({scale:.2f})"/>'


def _classes(result: Result, rows_s: NDArray[np.intp], rows_t: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Marker numbers by class: the source's labels, and what the model predicts for the target."""
    if result.task != "classification" or result.source is None or result.target is None or result.source.y is None:
        return [np.zeros(len(rows_s), dtype=int), np.zeros(len(rows_t), dtype=int)]
    classes = np.unique(result.source.y)
    predicted = np.asarray(result.target_predictions)
    return [
        np.searchsorted(classes, y) % len(MARKERS) for y in (np.asarray(result.source.y)[rows_s], predicted[rows_t])
    ]


def _one_scale(Xs: NDArray[Any], Xt: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    spread = np.sqrt((Xs.var(axis=0) + Xt.var(axis=0)) / 2)
    spread = np.where(spread > 1e-3 * max(float(spread.max()), 1e-12), spread, np.inf)
    return Xs / spread, Xt / spread


def _dense(X: Any) -> NDArray[np.float64]:
    return np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=float)
