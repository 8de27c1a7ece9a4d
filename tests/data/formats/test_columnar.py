from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from landbridge.data._files import read_table
from landbridge.data._read_options import ReadOptions

pa = pytest.importorskip("pyarrow", reason="needs the extra landbridge[parquet]")

FRAME = pd.DataFrame({"x": [1.5, -999.0], "zip": ["007", "123"], "n": [1, 2], "k": pd.Categorical(["a", "b"])})


@pytest.mark.parametrize("form", ["parquet", "feather", "stream"])
def test_columnar_files(tmp_path, form):
    path = tmp_path / "a.pq"
    if form == "parquet":
        FRAME.to_parquet(path)
    elif form == "feather":
        FRAME.to_feather(path)
    else:
        table = pa.Table.from_pandas(FRAME)
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as out:
            out.write_table(table)
    frame = read_table(path, ReadOptions(missing=("-999",)))
    np.testing.assert_array_equal(frame["x"], [1.5, np.nan])
    assert frame["zip"].tolist() == ["007", "123"] and frame["n"].dtype == np.int64


def test_decimals_bytes_and_lists(tmp_path):
    table = pa.table(
        {"d": [Decimal("1.50"), None], "b": pa.array([b"x", None]), "l": [[1], [2, 3]], "p": ["1,5", "2,5"]}
    )
    pa.parquet = pytest.importorskip("pyarrow.parquet")
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    frame = read_table(tmp_path / "a.parquet")
    assert frame["d"].dtype == float and frame["b"].tolist()[0] == "x" and frame["p"].tolist() == [1.5, 2.5]
    assert len(frame["l"].iloc[1]) == 2
