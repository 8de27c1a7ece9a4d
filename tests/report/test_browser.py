"""The page in a real browser: light, dark, on a phone, and printed."""

import pytest

from landbridge.data import Column, Inspection
from landbridge.data import SideFacts as Side
from landbridge.report import write_report

playwright = pytest.importorskip("playwright", reason="pip install playwright axe-playwright-python")
report_check = pytest.importorskip("benchmarks.report_check")


@pytest.mark.slow
@pytest.mark.skipif(report_check.browser_path() is None, reason="no browser is installed; install chromium")
def test_a_browser_has_nothing_to_complain_about(make, regression, with_inspection, tmp_path):
    columns = [Column("x" * 300, "number", separates=0.95), *(Column(f"c{i}", "number") for i in range(20))]
    sides = (Side("source", "ملف.csv", 200), Side("target", "🙂" * 40, 100))
    page = write_report(with_inspection(make(12), Inspection("table", sides, tuple(columns), 30)), tmp_path / "a.html")
    other = write_report(regression, tmp_path / "b.html")
    assert report_check.complaints([page, other]) == []


@pytest.mark.slow
@pytest.mark.skipif(report_check.browser_path() is None, reason="no browser is installed; install chromium")
def test_the_check_sees_what_is_wrong(tmp_path):
    page = tmp_path / "bad.html"
    page.write_text("<p style='width:2000px'>wide<script>console.error('seen')</script><a href='#x'></a>")
    found = " ".join(report_check.complaints([page]))
    assert "console: seen" in found and "too wide" in found
