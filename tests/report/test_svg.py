import re
import xml.etree.ElementTree as ET

import pytest

from landbridge import Measurement
from landbridge.report._svg import (
    axis,
    calibration_curve,
    residuals,
    roc_curve,
    scale_of,
    strip,
    true_and_predicted,
)


def _m(value, low, high):
    return Measurement("x", value, low=low, high=high)


def test_strips_share_a_scale_and_show_source_only():
    scale = scale_of([_m(0.4, 0.3, 0.5), _m(0.9, 0.85, 0.95)], percent=True, base=0.4)
    assert scale.low <= 0.3 and scale.high >= 0.95
    drawn = strip(_m(0.9, 0.85, 0.95), scale)
    assert 'class="base"' in drawn and f'cx="{scale.x(0.9)}"' in drawn and scale.x(0.4) < scale.x(0.9)
    assert re.findall(r">(\d+)</text>", axis(scale)) == [f"{100 * t:g}" for t in scale.ticks]
    assert len(scale.ticks) >= 2


def test_a_wild_interval_does_not_compress_the_others():
    scale = scale_of([_m(0.4, 0.3, 0.5), _m(0.6, -40.0, 70.0)], percent=False)
    assert scale.high - scale.low < 5
    assert strip(_m(0.6, -40.0, 70.0), scale).count("7V15") == 0  # cut ends have no caps


@pytest.mark.parametrize("value", [0.0, 1.0, 1e-9, -3e6])
def test_single_and_extreme_values(value):
    scale = scale_of([_m(value, value, value)], percent=False)
    ET.fromstring(strip(_m(value, value, value), scale))
    assert scale.low <= value <= scale.high


def test_nothing_to_draw():
    nan = Measurement("x", float("nan"))
    assert scale_of([None, nan], percent=True) is None and axis(None) == strip(None, None) == ""


def test_charts_are_images_with_words_and_escape_names():
    rows = [{"p": 0.3, "share": 0.25, "low": 0.1, "high": 0.5, "n": 12}]
    evil = "<script>" + "x" * 300
    charts = [
        roc_curve([[0, 0], [0.2, 0.8], [1, 1]], "AUC 0.85"),
        calibration_curve(rows, evil),
        true_and_predicted([[1, 2], [3, 3]]),
        residuals([[1, 2], [3, 3], [5.0, 5.0]]),
        residuals([[1, 1], [1, 1]]),
    ]
    for chart in charts:
        root = ET.fromstring(chart)
        assert root.get("role") == "img" and {"title", "desc"} <= {child.tag for child in root}
        assert "<script" not in chart and len(chart) < 10_000
    assert "AUC 0.85" in charts[0] and "n = 12" in charts[1] and "largest residual is 1.00" in charts[3]
