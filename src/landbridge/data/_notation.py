"""Numbers as people write them: decimal marks, thousands marks, percent, currencies, units and limits."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = [
    "Cell",
    "Notation",
    "decimal_evidence",
    "differing_units",
    "infer_notation",
    "is_code",
    "is_plain",
    "parse_cell",
    "plain",
]

PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:inf|infinity)", re.IGNORECASE)
# A code, not a number: digits after a leading zero.
CODE = re.compile(r"0\d[\d.,]*")
CURRENCY = r"[$€£¥₹₽₩₺]|(?:USD|EUR|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|PLN|CZK|AUD|CAD|R\$|US\$|kr|zł|Fr\.)"
BODY = (
    r"\d{1,3}(?:(?P<group>[.,' ])\d{3})(?:(?P=group)\d{3})*(?:(?!(?P=group))[.,]\d+)?"
    r"|\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?"
    r"|\d+(?:[.,]\d*)?"
    r"|[.,]\d+"
)
CELL = re.compile(
    rf"(?P<bound>[<>≤≥]=?)?\s*(?P<sign>[-+])?\s*(?P<before>{CURRENCY})?\s*(?P<sign_after>[-+])?\s*"
    rf"(?P<body>{BODY})(?P<power>[eE][-+]?\d+)?(?P<gap>\s*)(?P<unit>[^\d\s.,;:<>=+\-'\"()\[\]?!][^;:<>=,?!\"\[\]]{{0,15}})?"
)
SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f"), " ")
SIGNS = {ord("\u2212"): "-", ord("\u2019"): "'", ord("\u02bc"): "'"}
UNITS = frozenset(
    """% ‰ ‱ kg g mg µg ug ng pg t lb lbs oz km m cm mm µm nm in ft yd mi s sec ms µs min h hr hrs d K °C °F C F Pa hPa
    kPa MPa bar mbar mmHg V mV kV A mA W kW MW kWh MWh Wh J kJ kcal cal Hz kHz MHz GHz l L dl dL ml mL µl µL mol mmol
    µmol nmol mM µM M U IU kB MB GB TB rpm ppm ppb dB km/h m/s mph bpm years year months month days day hours hour
    minutes weeks week yrs yr""".split()
)
# Least share of the cells of a column that must be numbers in a notation for it to be read so.
LEAST = 0.95


@dataclass(frozen=True)
class Cell:
    """A number as it is written, before its marks are interpreted.

    Parameters
    ----------
    sign : {"", "-"}
    body : str
        Digits and marks.
    power : str
        Exponent, such as ``"e5"``.
    unit : str
        Unit, percent sign or currency; empty where there is none.
    spaced : bool
        Whether a blank stands between number and unit.
    bound : str
        ``"<"`` or the like.
    """

    sign: str
    body: str
    power: str = ""
    unit: str = ""
    spaced: bool = False
    bound: str = ""

    @property
    def marks(self) -> str:
        """The decimal mark, if there is one and it is clear; after a question mark, a mark that could be either."""
        body = self.body.replace("'", "").replace(" ", "")
        grouped = body != self.body
        dots, commas = body.count("."), body.count(",")
        if dots and commas:
            return "," if body.rfind(",") > body.rfind(".") else "."
        mark = "." if dots else "," if commas else ""
        if not mark:
            return ""
        if dots + commas > 1:
            return "," if mark == "." else "."
        if grouped or self.power or not re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", body):
            return mark
        return f"?{mark}"

    def number(self, decimal: str) -> str | None:
        """Return the number with a decimal point, as text that ``float`` reads.

        Parameters
        ----------
        decimal : {".", ","}
            Decimal mark.

        Returns
        -------
        str or None
            None if the marks do not fit.
        """
        other = "," if decimal == "." else "."
        whole, _, rest = self.body.replace("'", "").replace(" ", "").partition(decimal)
        if decimal in rest or other in rest:
            return None
        if other in whole:
            groups = whole.split(other)
            indian = other == "," and len(groups) > 2 and all(len(g) == 2 for g in groups[1:-1])
            if len(groups[-1]) != 3 or not (indian or all(len(g) == 3 for g in groups[1:])):
                return None
            whole = "".join(groups)
        return f"{self.sign}{whole or '0'}{'.' + rest if rest else ''}{self.power}"


@dataclass(frozen=True)
class Notation:
    """How the numbers of one column are written.

    Parameters
    ----------
    decimal : {".", ","}
    numbers : dict of str to str
        Cells as written and as ``float`` reads them.
    unit : str
        The one unit of all cells; empty where there is none.
    grouped : bool
        Whether there are thousands marks.
    open : str
        A cell whose mark could be either; empty where every cell is clear.
    bounds : tuple of str
        Distinct cells such as ``<0.5``.
    others : tuple of str
        Distinct cells that are no numbers.
    """

    decimal: str
    numbers: dict[str, str] = field(default_factory=dict)
    unit: str = ""
    grouped: bool = False
    open: str = ""
    bounds: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def plain(text: str) -> str:
    """Return a cell with ordinary blanks, minus signs and apostrophes, stripped.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return text.strip() if text.isascii() else text.translate(SPACES).translate(SIGNS).strip()


def is_plain(text: str) -> bool:
    """Return whether a cell is a number that ``float`` reads as it stands.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool
    """
    return PLAIN.fullmatch(text) is not None


def is_code(text: str) -> bool:
    """Return whether a cell is a code with a leading zero, such as ``"007"``.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool

    Examples
    --------
    >>> from landbridge.data._notation import is_code
    >>> is_code("007"), is_code("0"), is_code("0.5")
    (True, False, False)
    """
    return CODE.fullmatch(text) is not None


def parse_cell(text: str) -> Cell | None:
    """Take a cell apart: bound, sign, digits with marks, exponent and unit.

    Parameters
    ----------
    text : str

    Returns
    -------
    Cell or None
        None if the cell is no number.

    Examples
    --------
    >>> from landbridge.data._notation import parse_cell
    >>> parse_cell("1'234.5 kg").number(".")
    '1234.5'
    """
    found = CELL.fullmatch(plain(text))
    if found is None:
        return None
    unit = unicodedata.normalize("NFKC", (found["unit"] or "").strip()).replace("\u03bc", "µ")
    if (unit and found["before"]) or (found["sign"] and found["sign_after"]):
        return None
    if unit and not _is_unit(unit, bool(found["gap"])):
        return None
    sign = "-" if "-" in (found["sign"], found["sign_after"]) else ""
    return Cell(
        sign,
        found["body"],
        found["power"] or "",
        unit or found["before"] or "",
        bool(found["gap"]),
        found["bound"] or "",
    )


def _is_unit(unit: str, spaced: bool) -> bool:
    """Return whether what follows a number can be its unit, and not the rest of a code such as 1A or 1_000."""
    if not (unit[0].isalpha() or unit[0] in "%‰‱°×" or re.fullmatch(CURRENCY, unit)) or "_" in unit:
        return False
    if re.search(r"\d", unit) and not re.search(r"[/^]|[^\W\d][23]$", unit):
        return False
    return spaced or unit in ("V", "W") or not (len(unit) == 1 and unit.isupper())


def decimal_evidence(cells: Sequence[Cell]) -> str:
    """Return the decimal mark that some cell of a column is certain of; empty if none is, or both are.

    Parameters
    ----------
    cells : sequence of Cell

    Returns
    -------
    {".", ",", ""}
    """
    certain = {c.marks for c in cells} & {".", ","}
    return certain.pop() if len(certain) == 1 else ""


def infer_notation(
    texts: Sequence[str],
    decimal: str | None,
    evidence: str,
    fallback: str,
    parsed: dict[str, Cell | None] | None = None,
) -> Notation | None:
    """Infer how the numbers of a column are written.

    Parameters
    ----------
    texts : sequence of str
        Distinct cells that are not missing.
    decimal : {".", ","} or None
        Decimal mark, if it is given.
    evidence : {".", ",", ""}
        Decimal mark that other columns are certain of; empty where there is none.
    fallback : {".", ","}
        Decimal mark of ``"1,234"`` where nothing else decides.
    parsed : dict of str to Cell or None, default=None
        Cells that were taken apart before; those that are not are added. If None, all are taken apart.

    Returns
    -------
    Notation or None
        None if the column is not written in numbers, or in several units.

    Examples
    --------
    >>> from landbridge.data._notation import infer_notation
    >>> infer_notation(["3,14", "1.000,5"], None, "", ".").numbers
    {'3,14': '3.14', '1.000,5': '1000.5'}
    """
    if _are_words(texts[:100]) or any(t[0] == "0" and len(t) > 1 and t.isdigit() for t in texts):
        return None
    cells = _parsed(texts, parsed)
    if len(cells) < LEAST * len(texts) or not cells:
        return None
    if any(is_code(c.body) and not c.sign for c in cells.values()):
        return None
    bounded = [t for t, c in cells.items() if c.bound]
    if 2 * len(bounded) > len(cells):
        return None
    units = {c.unit for c in cells.values() if c.unit or float(c.number(".") or c.number(",") or "1") != 0}
    if len(units) > 1:
        return None
    mark, doubtful = _decimal(list(cells.values()), decimal, evidence, fallback)
    numbers = {t: n for t, c in cells.items() if (n := c.number(_mark_of(c, mark))) is not None}
    if len(numbers) < LEAST * len(texts):
        return None
    grouped = any(re.search(r"['\s]", plain(c.body)) or _other(mark) in c.body for c in cells.values())
    return Notation(
        mark or ".",
        numbers,
        units.pop() if units else "",
        grouped,
        next((t for t, c in cells.items() if c.marks.startswith("?")), "") if doubtful else "",
        tuple(bounded),
        tuple(t for t in texts if t not in numbers),
    )


def _mark_of(cell: Cell, mark: str) -> str:
    """The decimal mark of a column, or of the cell itself where a column mixes them."""
    return mark or (cell.marks if cell.marks in (".", ",") else ".")


def _other(mark: str) -> str:
    return {".": ",", ",": "."}.get(mark, "\0")


def _decimal(cells: list[Cell], given: str | None, evidence: str, fallback: str) -> tuple[str, bool]:
    """Return the decimal mark, empty where each cell has its own, and whether it is a guess."""
    if given is not None:
        return given, False
    marks = Counter(c.marks for c in cells)
    if marks["."] and marks[","]:
        return ("", False) if not marks["?,"] and not marks["?."] else (evidence or fallback, True)
    if marks["."] or marks[","]:
        return ("." if marks["."] else ","), False
    if not marks["?,"]:
        thousands = bool(marks["?."]) and evidence == ","
        return ("," if thousands else "."), thousands
    bare = [int(c.body.replace("'", "").replace(" ", "")) for c in cells if not c.marks]
    if marks["?."] or not bare:
        return evidence or fallback, True
    if max(bare) >= 1000:
        return ",", True
    return (evidence or fallback) if len(bare) < 0.1 * len(cells) else ".", True


def _are_words(texts: Sequence[str]) -> bool:
    """Return whether the first cells of a column are so often no numbers that it holds words."""
    return sum(parse_cell(t) is None for t in texts) > max(len(texts) // 2, 100 * (1 - LEAST))


def _parsed(texts: Sequence[str], parsed: dict[str, Cell | None] | None) -> dict[str, Cell]:
    """Return the cells that are numbers, each taken apart once."""
    parsed = {} if parsed is None else parsed
    for t in texts:
        if t not in parsed:
            parsed[t] = parse_cell(t)
    return {t: c for t in texts if (c := parsed[t]) is not None}


def differing_units(texts: Sequence[str], parsed: dict[str, Cell | None] | None = None) -> dict[str, str]:
    """Return an example by unit if a column holds numbers in several units, else nothing.

    Parameters
    ----------
    texts : sequence of str
        Distinct cells that are not missing.
    parsed : dict of str to Cell or None, default=None
        As of :func:`infer_notation`.

    Returns
    -------
    dict of str to str
    """
    if _are_words(texts[:100]):
        return {}
    cells = _parsed(texts, parsed)
    units: dict[str, str] = {}
    for t, c in cells.items():
        units.setdefault(c.unit, t)
    named = [u for u in units if u]
    if not named or len(units) < 2 or len(units) > 5 or len(cells) < LEAST * len(texts):
        return {}
    known = all(u in UNITS or re.fullmatch(CURRENCY, u) or "/" in u for u in named)
    return units if known else {}
