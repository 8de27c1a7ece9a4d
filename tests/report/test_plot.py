import subprocess
import sys
from dataclasses import replace

import matplotlib
import pytest
from matplotlib.figure import Figure

from landbridge import Measurement
from landbridge.exceptions import InputError


def test_intervals_against_source_only(make):
    ax = make().plot()
    names = [t.get_text() for t in ax.get_yticklabels()]
    assert names[:3] == ["source-only (chosen)", "target-only", "M0"]
    vertical = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert [v.get_xdata()[0] for v in vertical] == [80.0]
    spans = [list(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2 and line not in vertical]
    assert spans[0] == pytest.approx([75.0, 85.0])
    ax.figure.canvas.draw()


def test_given_axes_are_drawn_on_and_hidden_labels_come_first(make):
    result = make()
    hidden = Measurement("accuracy", 0.5, low=0.4, high=0.6)
    seen = replace(result, candidates=(replace(result.candidates[0], hidden=hidden), *result.candidates[1:]))
    ax = Figure().subplots()
    assert seen.plot(ax) is ax and "hidden labels" in ax.get_xlabel()


def test_names_are_never_formulas_and_stay_short(make):
    result = make()
    odd = replace(result.candidates[2], name="$\\frac{" + "x" * 300)
    ax = replace(result, candidates=(*result.candidates[:2], odd)).plot()
    ax.figure.canvas.draw()
    assert max(len(t.get_text()) for t in ax.get_yticklabels()) < 60


def test_nothing_to_draw(make):
    with pytest.raises(InputError, match="nothing to draw"):
        make(candidates=make().candidates[-2:]).plot()


def test_matplotlib_is_left_as_it_was(make):
    before = dict(matplotlib.rcParams)
    make().plot()
    assert dict(matplotlib.rcParams) == before
    code = "import landbridge.report._plot, sys; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
