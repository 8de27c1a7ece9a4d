"""Lock of a folder."""

import os
import pickle
import subprocess
import sys

import pytest

from landbridge.exceptions import WriteError
from landbridge.results import _lock
from landbridge.results._files import _host
from landbridge.results._lock import LOCK, FolderLock

HOLD = """
import pathlib, sys
from landbridge.results._lock import FolderLock
with FolderLock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_one_waits_its_turn(tmp_path):
    with FolderLock(tmp_path):
        with pytest.raises(WriteError, match=f"is being written by another run .process {os.getpid()}"):
            FolderLock(tmp_path).acquire()
    assert list(tmp_path.iterdir()) == []
    with FolderLock(tmp_path, keep=True):
        pass
    assert [p.name for p in tmp_path.iterdir()] == [LOCK]
    with FolderLock(tmp_path):
        pass


def test_a_killed_process_holds_nothing(tmp_path):
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(WriteError, match=str(other.pid)) as caught:
            FolderLock(tmp_path).acquire()
        assert "\n" not in str(caught.value)
    finally:
        other.kill()
        other.wait()
    with FolderLock(tmp_path):
        pass


def test_without_locks_of_the_system_the_process_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(_lock, "fcntl", None)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / LOCK).write_text(f"{ended.pid} {_host()}\n")
    with FolderLock(tmp_path), pytest.raises(WriteError, match=str(os.getpid())):
        FolderLock(tmp_path).acquire()
    (tmp_path / LOCK).write_text("rubbish")
    with FolderLock(tmp_path):
        pass


def test_it_is_not_sent_to_other_processes(tmp_path):
    with FolderLock(tmp_path) as lock:
        pickle.loads(pickle.dumps(lock)).release()
        with pytest.raises(WriteError):
            FolderLock(tmp_path).acquire()


@pytest.mark.skipif(os.name == "nt", reason="links and pipes of POSIX")
def test_links_and_pipes_are_not_opened(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    (tmp_path / LOCK).symlink_to(elsewhere)
    with pytest.raises(WriteError):
        FolderLock(tmp_path).acquire()
    assert elsewhere.read_text() == "precious"
    (tmp_path / LOCK).unlink()
    os.mkfifo(tmp_path / LOCK)
    with pytest.raises(WriteError, match="no regular file"):
        FolderLock(tmp_path).acquire()
