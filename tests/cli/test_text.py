import pytest

from landbridge.cli._text import defused, one_line, printable


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'=1"),
        ("\x1b[0m=1", "'=1"),
        ("＝1", "'＝1"),
        ("-3", "-3"),
        ("-1,5", "-1,5"),
        ("+1 234.5 %", "+1 234.5 %"),
        ("-1-2", "'-1-2"),
        ("-", "'-"),
        ("+4.5e2", "+4.5e2"),
        (-3.5, -3.5),
        (None, None),
        ("plain", "plain"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_cells_are_no_formulas(cell, written):
    assert defused(cell) == written


@pytest.mark.parametrize(
    "text",
    ["\x1b[31mred\x1b[0m", "\x1b]0;title\x07red", "r\x00e\x08d", "\x9b1mred", "\u202ered", "red\u2028", "\ufeffred"],
)
def test_terminals_get_no_controls(text):
    assert one_line(text) == "red"


def test_line_ends_and_tabs_stay_in_cells():
    assert printable("a\n\tb") == "a\n\tb" and one_line("a\n\tb") == "a b"
