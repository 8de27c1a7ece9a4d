import datetime

import numpy as np
import pytest

HEAD = ["Date de relevé", "Site", "Vibration (mm/s)", "Température (°C)", "Pression (bar)", "État"]


def readings(rng, n, warmer):
    """Rows of readings, with the numbers as text with a decimal comma."""
    broken = rng.random(n) < 0.4
    vibration = 2.1 + 1.4 * broken + 0.5 * rng.normal(size=n)
    temperature = 60 + 8 * broken + warmer + 3 * rng.normal(size=n)
    pressure = 1.01 + 0.02 * rng.normal(size=n)
    return [
        [
            datetime.date(2023, 1, 1) + datetime.timedelta(i),
            str(rng.choice(["Évry", "Orléans", "Nîmes"])),
            *(f"{v:.{d}f}".replace(".", ",") for v, d in ((vibration[i], 2), (temperature[i], 1), (pressure[i], 3))),
            "défaillant" if broken[i] else "normal",
        ]
        for i in range(n)
    ]


def write_workbook(path, rows):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Relevés"
    sheet.append(["Relevés des pompes - atelier Nord"])
    sheet.merge_cells("A1:F1")
    for row in (HEAD, *rows):
        sheet.append(row)
    book.create_sheet("Notice").append(["Ce classeur contient les relevés."])
    book.save(path)


def write_export(path, rows, *, labels=True):
    width = len(HEAD) if labels else len(HEAD) - 1
    lines = [HEAD, *([r[0].strftime("%d/%m/%Y"), *r[1:]] for r in rows)]
    path.write_text("".join(";".join(line[:width]) + "\n" for line in lines), encoding="utf-8-sig")


def test_a_technician_transfers_from_a_workbook_to_an_export(desk):
    """A technician has a French workbook of the pumps in the north, and a csv export of those in the south.

    The workbook has a merged title and a second sheet; numbers have decimal commas in both, and names have accents.
    """
    pytest.importorskip("python_calamine")
    rng = np.random.default_rng(1)
    write_workbook(desk.folder / "pompes nord.xlsx", readings(rng, 160, 0.0))
    rows = readings(rng, 150, 6.0)
    write_export(desk.folder / "pompes sud.csv", rows)
    write_export(desk.folder / "nouvelles.csv", rows, labels=False)
    before = desk.checksums()

    seen = desk.run("inspect", "pompes nord.xlsx", "pompes sud.csv", "--label", "État")
    assert "Source pompes nord: 160 samples; labels normal: 98, défaillant: 62." in seen.text
    assert "Read with a decimal comma: Vibration (mm/s), Température (°C), Pression (bar)." in seen.text
    assert "Only the sheet 'Relevés' is read, not Notice; set sheet= (--sheet) to choose" in seen.text
    assert "1 row above the header is not read, such as 'Relevés des pompes - atelier Nord'" in seen.text
    assert "'Date de relevé' holds dates" in seen.text and "The separator is the semicolon" in seen.text
    assert "4 columns used (3 number, 1 category)" in seen.text

    desk.run("measure", "pompes nord.xlsx", "pompes sud.csv", "--label", "État")
    run = desk.transfer("pompes nord.xlsx", "pompes sud.csv", "--label", "État", "--target-labels", "hide")
    scores = {c["name"]: c["hidden"]["value"] for c in run.result["candidates"] if c.get("hidden")}
    assert scores["source-only"] > 0.8 and "défaillant" in run.report and "Température (°C)" in run.report

    done = desk.predict("nouvelles.csv", "--all-columns")
    assert len(done.rows) == 150 and done.rows[0]["Température (°C)"] == rows[0][3]
    assert np.mean([r["label"] == row[-1] for r, row in zip(done.rows, rows, strict=True)]) > 0.8
    desk.assert_kept(before)

    failed = desk.run("inspect", "pompes nord.xlsx", "--sheet", "Relevé", code=2)
    assert failed.stderr.count("\n") == 1 and "Relevés" in failed.said
    failed = desk.run("transfer", "pompes nord.xlsx", "pompes sud.csv", "--label", "Etat machine", code=2)
    assert failed.stderr.count("\n") == 1 and "État" in failed.said
