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


def _gone():
    import subprocess
    import sys

    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_leftovers_of_ended_processes_are_deleted(tmp_path):
    import os

    from landbridge.results._files import _host, remove_leftovers

    def name(pid, host, of="a"):
        return f".{of}.{pid}-{host}-{'0' * 32}.part"

    dead = _gone()
    names = [name(dead, _host()), name(dead, _host(), "b"), name(os.getpid(), _host()), name(dead, "f" * 8), ".a.part"]
    for n in names:
        (tmp_path / n).write_bytes(b"")
    write_atomically(tmp_path / "a", b"new")
    assert {p.name for p in tmp_path.iterdir()} == {"a", *names[1:]}
    os.utime(tmp_path / names[3], (0, 0))
    remove_leftovers(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"a", names[2], ".a.part"}


@pytest.mark.parametrize("number", ["ENOSPC", "EROFS", "EACCES", "EFBIG", "EIO"])
def test_errors_of_the_system_are_one_line(tmp_path, monkeypatch, number):
    import errno
    import os

    from landbridge.exceptions import InputError
    from landbridge.results import _files

    def refuse(*_, **__):
        raise OSError(getattr(errno, number), os.strerror(getattr(errno, number)))

    monkeypatch.setattr(_files.os, "fsync", refuse)
    with pytest.raises(InputError, match=os.strerror(getattr(errno, number))) as caught:
        write_atomically(tmp_path / "a", b"new")
    assert "\n" not in str(caught.value) and isinstance(caught.value, OSError) and not list(tmp_path.iterdir())


def test_a_file_too_large_for_the_limit_leaves_the_old_one(tmp_path):
    """A disk that is full in earnest: the process may write no more than this."""
    import subprocess
    import sys

    code = (
        "import resource, signal, sys, pathlib; from landbridge.results._files import write_atomically;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
        "write_atomically(pathlib.Path(sys.argv[1]), b'x' * 5000)"
    )
    pytest.importorskip("resource")
    (tmp_path / "a").write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, text=True)
    assert "WriteError" in done.stderr.splitlines()[-1] and "File too large" in done.stderr.splitlines()[-1]
    assert (tmp_path / "a").read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_what_is_no_file_is_not_replaced(tmp_path):
    import os

    from landbridge.exceptions import WriteError

    (tmp_path / "folder").mkdir()
    with pytest.raises(WriteError, match="it is a folder"):
        write_atomically(tmp_path / "folder", b"")
    with pytest.raises(WriteError):
        write_atomically(tmp_path / "missing" / "a", b"")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(WriteError, match="no regular file"):
            write_atomically(tmp_path / "pipe", b"")


def test_a_link_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "other").write_bytes(b"precious")
    (tmp_path / "link").symlink_to(tmp_path / "other")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "other").read_bytes() == b"precious" and not (tmp_path / "link").is_symlink()


def test_a_folder_inside_a_file_is_one_line(tmp_path):
    from landbridge.exceptions import WriteError
    from landbridge.results._files import make_folder

    (tmp_path / "file").write_bytes(b"")
    for folder in ("file", "file/a", "file/a/b"):
        with pytest.raises(WriteError, match="file is not a folder"):
            make_folder(tmp_path / folder)
