import numpy as np


def german(value):
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def write_branch(path, rng, head, level, n=150, encoding="latin-1"):
    """Customers of a branch: turnover with thousands marks, a share in percent, and who left."""
    left = rng.random(n) < 0.45
    turnover = level * np.exp(9 + 1.0 * left + 0.4 * rng.normal(size=n))
    returned = 8 + 5 * left + 2 * rng.normal(size=n)
    lines = [";".join(head)]
    for i in range(n):
        share = f"{returned[i]:.1f} %".replace(".", ",")
        cells = [f"{i:05d}", german(turnover[i]), share, str(rng.integers(3, 400)), "ja" if left[i] else "nein"]
        lines.append(";".join(cells[: len(head)]))
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return np.where(left, "ja", "nein")


def test_a_clerk_transfers_between_two_german_exports(desk):
    """A clerk has two exports of a German program in latin-1, whose headers differ in capitals and blanks.

    Turnover has points for thousands and a decimal comma, shares a percent sign, and customer numbers leading zeros.
    """
    rng = np.random.default_rng(2)
    here = ["Kunden-Nr", "Umsatz (EUR)", "Rücklaufquote", "Größe", "Kündigung"]
    there = ["kunden-nr", "UMSATZ (EUR) ", "rücklaufquote", "GRÖSSE", "kündigung"]
    write_branch(desk.folder / "mitte.csv", rng, here, 1.0)
    truth = write_branch(desk.folder / "west.csv", np.random.default_rng(3), there, 1.4)
    write_branch(desk.folder / "neu.csv", np.random.default_rng(3), there[:-1], 1.4)
    before = desk.checksums()

    seen = desk.run("inspect", "mitte.csv", "west.csv", "--label", "Kündigung")
    assert "read as cp1252" in seen.text and "The separator is the semicolon." in seen.text
    assert "Read with a decimal comma: Umsatz (EUR), Rücklaufquote." in seen.text
    assert "Column 'Rücklaufquote' is in percent; the unit is removed" in seen.text
    assert "'UMSATZ (EUR)' is 'Umsatz (EUR)'" in seen.text and "'GRÖSSE' is 'Größe'" in seen.text
    assert "Read as text, because there are codes with leading zeros: Kunden-Nr." in seen.text
    assert "'Kunden-Nr' has a different text in each row" in seen.text and "3 columns used (3 number)" in seen.text

    shift = desk.run("measure", "mitte.csv", "west.csv", "--label", "Kündigung")
    assert "Shift: " in shift.text and "Risk: " in shift.text
    run = desk.transfer("mitte.csv", "west.csv", "--label", "Kündigung", "--id", "Kunden-Nr")
    assert {c["name"]: c["kind"] for c in run.result["inspection"]["columns"]}["Kunden-Nr"] == "id"

    done = desk.predict("neu.csv")
    assert [r["Kunden-Nr"] for r in done.rows] == [f"{i:05d}" for i in range(150)]
    assert np.mean([r["label"] for r in done.rows] == truth) > 0.85
    desk.assert_kept(before)


def test_an_encoding_and_a_mark_that_are_given_are_used(desk):
    """The clerk names the encoding and the decimal mark, and mistypes the encoding once."""
    write_branch(desk.folder / "mitte.csv", np.random.default_rng(2), ["Nr", "Umsatz", "Quote", "Größe", "Ende"], 1.0)
    words = ["--label", "Ende", "--encoding", "latin-1", "--decimal", ","]
    seen = desk.run("inspect", "mitte.csv", *words)
    assert "not UTF-8" not in seen.text and "Größe" in seen.text
    failed = desk.run("inspect", "mitte.csv", "--encoding", "latin-one-thousand", code=2)
    assert failed.stderr.count("\n") == 1 and "latin-one-thousand" in failed.said
