"""Files are written whole or not at all."""

import pytest

from landbridge.data._writing import write_file
from landbridge.exceptions import InputError, WriteError


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "a.txt"
    write_file(path, b"one")
    assert write_file(str(path), b"two") == path and path.read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_what_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    with pytest.raises(WriteError, match="make the folder first"):
        write_file(tmp_path / "none" / "a.txt", b"")
    with pytest.raises(WriteError, match="no regular file"):
        write_file(tmp_path, b"")
    with pytest.raises(InputError, match="path must be a path"):
        write_file(3, b"")
    path = tmp_path / "a.txt"
    path.write_bytes(b"one")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(WriteError, match="No space left"):
        write_file(path, b"two")
    assert path.read_bytes() == b"one" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]
