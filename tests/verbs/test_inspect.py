import numpy as np
import pandas as pd
import pytest

import landbridge
from landbridge.exceptions import InputError


def test_one_side_or_two_as_tables_arrays_or_files(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=40), "b": rng.normal(size=40)}).assign(y=[0, 1] * 20)
    frame.to_csv(tmp_path / "a.csv", index=False)
    alone = landbridge.inspect(tmp_path / "a.csv", label="y")
    assert len(alone.sides) == 1 and all(c.separates is None for c in alone.columns)
    arrays = landbridge.inspect((frame[["a", "b"]].to_numpy(), frame["y"].to_numpy()))
    assert arrays.n_features == alone.n_features == 2 and arrays.sides[0].labels == {"0": 20, "1": 20}
    moved = frame.drop(columns="y").assign(a=frame["a"] + 5)
    both = landbridge.inspect(frame, moved, label="y")
    assert {c.name: c.separates > 0.9 for c in both.columns if c.used} == {"a": True, "b": False}


def test_what_cannot_be_read_is_named():
    with pytest.raises(InputError, match="does not exist"):
        landbridge.inspect("no_such_file.csv")
    with pytest.raises(InputError, match="read_options has no option 'dropp'; did you mean drop"):
        landbridge.inspect(pd.DataFrame({"a": [1.0]}), read_options={"dropp": "a"})
