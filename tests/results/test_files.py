"""Files of a result."""

import json

import numpy as np
import pytest

from landbridge.results._files import strict, write_atomically


def test_json_has_no_nan():
    data = strict({1: [np.float64("nan"), np.int64(3), (1.0, float("inf"))], "x": np.array([True])})
    assert data == {"1": [None, 3, [1.0, None]], "x": [True]}
    json.dumps(data, allow_nan=False)


def test_a_file_is_replaced_whole(tmp_path, monkeypatch):
    from landbridge.results import _files

    file = tmp_path / "a"
    write_atomically(file, b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(file, b"new")
    assert file.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["a"]
