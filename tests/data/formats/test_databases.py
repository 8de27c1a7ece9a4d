import sqlite3

import pytest

from landbridge.data._files import read_table
from landbridge.data._read_options import ReadOptions
from landbridge.exceptions import ReadError


def lite(path, **tables):
    database = sqlite3.connect(path)
    for name, (columns, rows) in tables.items():
        name = name.replace('"', '""')
        database.execute(f'CREATE TABLE "{name}" ({columns})')
        database.executemany(f'INSERT INTO "{name}" VALUES ({",".join("?" * len(rows[0]))})', rows)
    database.commit()
    database.close()
    return path


ROWS = ("a REAL, zip TEXT, n INTEGER", [(1.5, "007", 1), (None, "123", 2)])


def test_sqlite(tmp_path):
    path = lite(tmp_path / "a b?.db", one=ROWS)
    before = path.read_bytes()
    frame = read_table(path)
    assert frame["a"].isna().tolist() == [False, True] and frame["zip"].tolist() == ["007", "123"]
    assert frame["n"].tolist() == [1, 2] and path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_tables_are_chosen(tmp_path):
    path = lite(tmp_path / "a.db", one=ROWS, **{'tw"o': ("x", [(1,), (2,)])})
    with pytest.raises(ReadError, match=r"has 2 tables: one, tw\"o; choose one with sheet="):
        read_table(path)
    assert read_table(path, ReadOptions(sheet="one"))["n"].tolist() == [1, 2]
    with pytest.raises(ReadError, match=r"no table 'on'; did you mean 'one'\?"):
        read_table(path, ReadOptions(sheet="on"))


def test_a_damaged_database(tmp_path):
    path = lite(tmp_path / "a.db", one=ROWS)
    path.write_bytes(path.read_bytes()[:100] + b"x" * 5000)
    with pytest.raises(ReadError, match="cannot be read as an SQLite database"):
        read_table(path)


def test_duckdb(tmp_path):
    duckdb = pytest.importorskip("duckdb", reason="needs the extra landbridge[relational]")
    path = tmp_path / "a.db"
    with duckdb.connect(str(path)) as database:
        database.execute(
            "CREATE TABLE one AS SELECT 1.5::DECIMAL(5, 2) AS a, '007' AS zip UNION ALL SELECT NULL, '123'"
        )
    frame = read_table(path)
    assert frame["a"].dtype == float and sorted(frame["zip"]) == ["007", "123"]
    with duckdb.connect(str(path)) as database:
        database.execute("CREATE TABLE two AS SELECT 1 AS x")
    with pytest.raises(ReadError, match="has 2 tables"):
        read_table(path)
    assert read_table(path, ReadOptions(sheet="two"))["x"].tolist() == [1]


def test_a_view_of_duckdb_reads_no_other_file(tmp_path):
    duckdb = pytest.importorskip("duckdb", reason="needs the extra landbridge[relational]")
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with duckdb.connect(str(tmp_path / "a.db")) as database:
        database.execute(f"CREATE VIEW v AS SELECT * FROM read_csv('{tmp_path / 'secret.csv'}')")
    with pytest.raises(ReadError, match="cannot be read as a DuckDB database"):
        read_table(tmp_path / "a.db")
