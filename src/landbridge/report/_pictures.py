"""Pictures for the report, as SVG text that reads on light and dark pages alike."""

from __future__ import annotations

import base64
import html
import io
import re
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

# Stand-ins that matplotlib accepts as colours; in the finished SVG each becomes a colour of the page, which has one
# for light and one for dark (Okabe and Ito's palette: distinguishable for colour-blind readers).
SOURCE, TARGET, FRAME = "#010203", "#010204", "#010205"
PAGE_COLOURS = {SOURCE: "var(--source)", TARGET: "var(--mark)", FRAME: "currentColor"}
MARKERS = "os^Dv*PX"
GLYPHS = "●■▲◆▼★✚✖"
MOST_POINTS = 500


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
    import matplotlib
    from matplotlib.figure import Figure

    rng = np.random.default_rng(0)
    keep_s, keep_t = (np.sort(rng.permutation(len(Z))[:MOST_POINTS]) for Z in (Zs, Zt))
    both = np.concatenate([Zs[keep_s], Zt[keep_t]])
    both = both - both.mean(axis=0)
    axes = np.linalg.svd(both, full_matrices=False)[2][:2]
    # the sign of a direction means nothing; fix it so that the same result is the same picture
    axes = axes * np.where(axes.sum(axis=1, keepdims=True) < 0, -1, 1)
    flat = both @ axes.T
    if flat.shape[1] < 2:
        flat = np.column_stack([flat, np.zeros(len(flat))])
    marks = _classes(result, keep_s, keep_t)
    with matplotlib.rc_context({"svg.hashsalt": "landbridge", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(5.2, 3.9))
        ax = figure.subplots()
        size = 16 * np.ones(len(keep_s)) if weights is None else 6 + 22 * np.minimum(weights[keep_s], 5.0)
        sides: Any = (
            (flat[: len(keep_s)], marks[0], SOURCE, size),
            (flat[len(keep_s) :], marks[1], TARGET, 16 * np.ones(len(keep_t))),
        )
        for points, kinds, colour, sizes in sides:
            for k in np.unique(kinds):
                at = kinds == k
                ax.scatter(
                    points[at, 0], points[at, 1], s=sizes[at], c=colour, marker=MARKERS[k], alpha=0.85, linewidths=0
                )
        # a few distant samples must not compress all others
        for set_limits, values in ((ax.set_xlim, flat[:, 0]), (ax.set_ylim, flat[:, 1])):
            low, high = np.quantile(values, [0.01, 0.99])
            reach = max(high - low, 1e-9)
            set_limits(low - 0.12 * reach, high + 0.12 * reach)
        ax.set_xticks([])
        ax.set_yticks([])
        for spine in ax.spines.values():
            spine.set_color(FRAME)
            spine.set_alpha(0.5)
        figure.patch.set_alpha(0)
        ax.patch.set_alpha(0)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    description = (
        f"Scatter plot of {len(keep_s)} source and {len(keep_t)} target samples, projected on their first two "
        "principal components."
    )
    return _for_page(buffer.getvalue(), key, title, description)


def _for_page(text: str, key: str, title: str, description: str) -> str:
    """Fit matplotlib's SVG into a page: the page's colours, names that occur once, words for those who do not see."""
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    for stand_in, colour in PAGE_COLOURS.items():
        text = text.replace(stand_in, colour)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{key}-", text)
    words = (
        f'<title id="{key}-title">{html.escape(title)}</title><desc id="{key}-desc">{html.escape(description)}</desc>'
    )
    head, rest = text.split(">", 1)
    return f'{head} role="img" aria-labelledby="{key}-title {key}-desc">{words}{rest}'


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
