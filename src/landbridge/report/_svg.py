"""Charts of the report, as SVG text that reads on light and dark pages alike."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from landbridge.measurement import Measurement
from landbridge.report._words import number

__all__ = ["Scale", "axis", "calibration_curve", "residuals", "roc_curve", "scale_of", "strip", "true_and_predicted"]

WIDTH, PAD = 150, 12
SIZE, LEFT, BOTTOM, TOP, RIGHT = 300, 46, 40, 10, 18


@dataclass(frozen=True)
class Scale:
    """Common scale of the interval strips of a column.

    Parameters
    ----------
    low, high : float
    percent : bool
    ticks : tuple of float
    base : float or None
        Value of source-only, drawn as a line.
    """

    low: float
    high: float
    percent: bool
    ticks: tuple[float, ...]
    base: float | None = None

    def x(self, value: float) -> float:
        """Return the place of a value.

        Parameters
        ----------
        value : float

        Returns
        -------
        float
        """
        share = (value - self.low) / max(self.high - self.low, 1e-12)
        return round(PAD + (WIDTH - 2 * PAD) * min(max(share, 0.0), 1.0), 1)


def scale_of(everyone: Sequence[Measurement | None], *, percent: bool, base: float | None = None) -> Scale | None:
    """Return a scale that holds the intervals of all measurements.

    Parameters
    ----------
    everyone : sequence of Measurement or None
    percent : bool
        Whether they are shares, printed in percent.
    base : float, optional
        Value of source-only. If None, no line is drawn.

    Returns
    -------
    Scale or None
        None without a finite value.
    """
    values = [v for m in everyone if m is not None for v in (m.value, m.low, m.high) if v is not None]
    values = [v for v in values if math.isfinite(v)]
    if not values:
        return None
    middles = [m.value for m in everyone if m is not None and math.isfinite(m.value)]
    # one far too wide interval must not compress all others
    reach = max(max(middles) - min(middles), 0.05 if percent else 0.05 * max(abs(middles[0]), 1e-9))
    low, high = (max(min(values), min(middles) - 3 * reach), min(max(values), max(middles) + 3 * reach))
    if percent:
        low, high = max(low, 0.0), min(high, 1.0)
    if high - low < 1e-9:
        low, high = low - 0.05 * max(abs(low), 1e-3), high + 0.05 * max(abs(high), 1e-3)
    ticks = _ticks(low, high, 4)
    return Scale(min(low, ticks[0]), max(high, ticks[-1]), percent, ticks, base)


def strip(m: Measurement | None, scale: Scale | None) -> str:
    """Draw a value and its interval on a scale with the line of source-only; the numbers are in the cell beside it.

    Parameters
    ----------
    m : Measurement or None
    scale : Scale or None

    Returns
    -------
    str
    """
    if m is None or scale is None or not math.isfinite(m.value):
        return ""
    grid = "".join(f'<path class="grid" d="M{scale.x(t)} 0V22"/>' for t in scale.ticks)
    base = "" if scale.base is None else f'<path class="base" d="M{scale.x(scale.base)} 0V22"/>'
    whisker = ""
    if m.low is not None and m.high is not None and math.isfinite(m.low + m.high):
        a, b = scale.x(m.low), scale.x(m.high)
        ends = "".join(f"M{x} 7V15" for x, v in ((a, m.low), (b, m.high)) if scale.low - 1e-9 <= v <= scale.high + 1e-9)
        whisker = f'<path class="whisker" d="M{a} 11H{b}{ends}"/>'
    mark = f'<circle class="value" cx="{scale.x(m.value)}" cy="11" r="4.5"/>'
    if not scale.low - 1e-9 <= m.value <= scale.high + 1e-9:
        mark = ""
    return (
        f'<svg class="strip-svg" viewBox="0 0 {WIDTH} 22" width="{WIDTH}" height="22" aria-hidden="true" '
        f'focusable="false">{grid}{base}{whisker}{mark}</svg>'
    )


def axis(scale: Scale | None) -> str:
    """Draw the numbers of a scale, for the head of its column.

    Parameters
    ----------
    scale : Scale or None

    Returns
    -------
    str
    """
    if scale is None:
        return ""
    texts = "".join(
        f'<path class="axis" d="M{scale.x(t)} 17V22"/><text x="{scale.x(t)}" y="14">{_tick(t, scale)}</text>'
        for t in scale.ticks
    )
    return (
        f'<svg class="strip-svg" viewBox="0 0 {WIDTH} 22" width="{WIDTH}" height="22" aria-hidden="true" '
        f'focusable="false">{texts}</svg>'
    )


def roc_curve(points: Sequence[Sequence[float]], auc: str) -> str:
    """Draw an ROC curve.

    Parameters
    ----------
    points : sequence of (false positive rate, true positive rate)
    auc : str
        Area under the curve, in words.

    Returns
    -------
    str
    """
    frame = _Frame((0.0, 1.0), (0.0, 1.0), "1 \N{MINUS SIGN} specificity", "sensitivity")
    # a step is drawn as a step
    path, last = "", None
    for a, b in points:
        x, y = frame.x(a), frame.y(b)
        path += f"M{x} {y}" if last is None else f"L{x} {y}"
        last = (x, y)
    chance = f'<path class="base" d="M{frame.x(0)} {frame.y(0)}L{frame.x(1)} {frame.y(1)}"/>'
    inner = f'{chance}<path class="curve" d="{path}"/>'
    return frame.svg("roc", "ROC curve", f"ROC curve; {auc}. The dashed diagonal is chance.", inner)


def calibration_curve(rows: Sequence[dict[str, float]], what: str) -> str:
    """Draw observed shares over predicted probabilities, with intervals.

    Parameters
    ----------
    rows : sequence of dict
        ``p``, ``share``, ``low``, ``high`` and ``n`` per bin.
    what : str
        What the probability is of.

    Returns
    -------
    str
    """
    frame = _Frame((0.0, 1.0), (0.0, 1.0), f"predicted probability of {what}", "observed share")
    ideal = f'<path class="base" d="M{frame.x(0)} {frame.y(0)}L{frame.x(1)} {frame.y(1)}"/>'
    marks = "".join(
        f'<path class="whisker" d="M{frame.x(r["p"])} {frame.y(r["low"])}V{frame.y(r["high"])}"/>'
        f'<circle class="value" cx="{frame.x(r["p"])}" cy="{frame.y(r["share"])}" r="4"/>'
        for r in rows
    )
    words = "; ".join(f"predicted {number(r['p'])}, observed {number(r['share'])}, n = {int(r['n'])}" for r in rows)
    return frame.svg("calibration", "Calibration curve", f"{words}. The dashed diagonal is perfect.", ideal + marks)


def true_and_predicted(pairs: Sequence[Sequence[float]]) -> str:
    """Draw predicted over true values.

    Parameters
    ----------
    pairs : sequence of (true, predicted)

    Returns
    -------
    str
    """
    values = [v for pair in pairs for v in pair]
    ends = _widened(min(values), max(values))
    frame = _Frame(ends, ends, "true value", "predicted value")
    ideal = f'<path class="base" d="M{frame.x(ends[0])} {frame.y(ends[0])}L{frame.x(ends[1])} {frame.y(ends[1])}"/>'
    words = f"{len(pairs)} samples. The dashed diagonal is a perfect prediction."
    return frame.svg("predicted", "Predicted and true values", words, ideal + _marks(frame, pairs))


def residuals(pairs: Sequence[Sequence[float]]) -> str:
    """Draw residuals over predicted values.

    Parameters
    ----------
    pairs : sequence of (true, predicted)

    Returns
    -------
    str
    """
    rest = [(p, t - p) for t, p in pairs]
    across = _widened(min(p for p, _ in rest), max(p for p, _ in rest))
    reach = max((abs(r) for _, r in rest), default=1.0)
    frame = _Frame(across, _widened(-reach, reach), "predicted value", "residual: true \N{MINUS SIGN} predicted")
    zero = f'<path class="base" d="M{frame.x(across[0])} {frame.y(0)}H{frame.x(across[1])}"/>'
    words = f"{len(pairs)} samples; the largest residual is {number(reach)}. The dashed line is no error."
    return frame.svg("residuals", "Residuals", words, zero + _marks(frame, rest))


class _Frame:
    """Axes of a chart."""

    def __init__(self, across: tuple[float, float], up: tuple[float, float], xlabel: str, ylabel: str) -> None:
        self.across, self.up, self.xlabel, self.ylabel = across, up, xlabel, ylabel

    def x(self, value: float) -> float:
        a, b = self.across
        return round(LEFT + (SIZE - LEFT - RIGHT) * (value - a) / max(b - a, 1e-12), 1)

    def y(self, value: float) -> float:
        a, b = self.up
        return round(SIZE - BOTTOM - (SIZE - BOTTOM - TOP) * (value - a) / max(b - a, 1e-12), 1)

    def svg(self, key: str, title: str, description: str, inner: str) -> str:
        bottom, right = SIZE - BOTTOM, SIZE - RIGHT
        parts = [f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>']
        for t in _ticks(*self.across, 4):
            if self.across[0] <= t <= self.across[1]:
                parts.append(f'<path class="axis" d="M{self.x(t)} {bottom}v5"/>')
                parts.append(f'<text x="{self.x(t)}" y="{bottom + 18}">{_plain(t)}</text>')
        for t in _ticks(*self.up, 4):
            if self.up[0] <= t <= self.up[1]:
                parts.append(f'<path class="axis" d="M{LEFT} {self.y(t)}h-5"/>')
                parts.append(f'<text class="end" x="{LEFT - 8}" y="{self.y(t) + 4}">{_plain(t)}</text>')
        middle = (TOP + bottom) / 2
        parts.append(f'<text x="{(LEFT + right) / 2}" y="{SIZE - 4}">{html.escape(_cut(self.xlabel))}</text>')
        parts.append(f'<text transform="translate(11 {middle}) rotate(-90)">{html.escape(self.ylabel)}</text>')
        return (
            f'<svg class="chart" viewBox="0 0 {SIZE} {SIZE}" role="img" aria-labelledby="{key}-t {key}-d">'
            f'<title id="{key}-t">{html.escape(title)}</title><desc id="{key}-d">{html.escape(description)}</desc>'
            f"{''.join(parts)}{inner}</svg>"
        )


def _marks(frame: _Frame, pairs: Sequence[Sequence[float]]) -> str:
    return "".join(f'<circle class="sample" cx="{frame.x(a)}" cy="{frame.y(b)}" r="3"/>' for a, b in pairs)


def _cut(text: str, most: int = 44) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _widened(low: float, high: float) -> tuple[float, float]:
    room = 0.05 * max(high - low, 1e-9 + 1e-3 * abs(high))
    return low - room, high + room


def _ticks(low: float, high: float, about: int) -> tuple[float, ...]:
    """Round numbers within the ends, or the nearest ones around them where there are fewer than two."""
    rough = max(high - low, 1e-12) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 5, 10) if power * k >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first < 1:
        first, last = math.floor(low / step), math.ceil(high / step)
    return tuple(round(k * step, 12) for k in range(first, last + 1))


def _tick(value: float, scale: Scale) -> str:
    if scale.percent:
        return f"{100 * value:g}".replace("-", "\N{MINUS SIGN}")
    return _plain(value)


def _plain(value: float) -> str:
    return "0" if value == 0 else f"{value:,.4g}".replace("-", "\N{MINUS SIGN}")
