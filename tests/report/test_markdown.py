from dataclasses import replace

import pytest

from landbridge import Candidate
from landbridge.exceptions import InputError
from landbridge.report import to_markdown, write_report


def test_it_holds_the_verdict(make):
    text = make().to_markdown()
    for words in ("## a.csv → b.csv", "**Use the source model as it is", "p \\< 0.001", "### What to do next", "M0"):
        assert words in text
    assert "1 failed" in text and "| ✓ source-only |" in text


def test_every_line_of_a_table_has_as_many_cells(make):
    evil = "a|b`c`*d*<script>\n| --- |"
    result = make()
    result = replace(
        result, candidates=(*result.candidates, Candidate(evil, "feature", estimate=result.candidates[2].estimate))
    )
    text = to_markdown(result, title=evil)
    assert "<script>" not in text.replace("\\<script\\>", "")
    table = [line for line in text.splitlines() if line.startswith("|")]
    for line in table:
        cells = line.replace("\\|", "").count("|")
        assert cells in (4, 5), line
    assert text.startswith("## a\\|b\\`c\\`\\*d\\*\\<script\\> \\| --- \\|\n")


def test_only_the_best_eight_are_listed(make):
    text = to_markdown(make(n_candidates=12))
    assert "| M7 |" in text and "| M8 |" not in text and "4 more were tried" in text


def test_it_is_written_where_it_should(make, tmp_path):
    result = make()
    assert result.report(tmp_path / "new", format="markdown").name == "report.md"
    assert (
        write_report(result, tmp_path / "pr.md", format="markdown").read_text(encoding="utf-8") == result.to_markdown()
    )
    with pytest.raises(InputError, match="format must be 'html' or 'markdown'; got 'pdf'"):
        write_report(result, tmp_path, format="pdf")
    with pytest.raises(InputError, match=r"does not end in \.html"):
        write_report(result, tmp_path / "pr.md")


def test_regression_and_clusters(regression, make):
    assert "R²" in regression.to_markdown()
    made = make(expected=None, scores={})
    clusters = replace(made, decision=replace(made.decision, evidence="stability of clusters"))
    assert "### Expected" not in clusters.to_markdown()
