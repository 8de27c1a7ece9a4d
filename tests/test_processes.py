"""Processes that try candidates end with the one that started them."""

import os
import signal
import subprocess
import sys
import time

import pytest

from landbridge.processes import end_with_parent, parallel, start_processes


@pytest.fixture(autouse=True)
def _interruptible():
    """Ctrl-C reaches this process and those that it starts, even where a shell started it in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


SCRIPT = """
import os, sys, time
import joblib
from landbridge.processes import parallel

def work(seconds):
    print(os.getpid(), flush=True)
    time.sleep(seconds)

if __name__ == "__main__":
    for _ in parallel(2, (joblib.delayed(work)(60) for _ in range(2))):
        pass
"""


def test_one_process_is_this_one():
    import joblib

    assert set(parallel(1, (joblib.delayed(os.getpid)() for _ in range(3)))) == {os.getpid()}


def test_others_are_not_watched():
    end_with_parent(os.getpid())
    end_with_parent(1)
    assert not [t for t in __import__("threading").enumerate() if t.name == "landbridge-parent"]


def test_an_error_does_not_wait_for_processes():
    with pytest.raises(KeyboardInterrupt), start_processes(1):
        raise KeyboardInterrupt


def _runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_processes_end_with_their_parent(tmp_path, how):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    children = [int(parent.stdout.readline()) for _ in range(2)]
    try:
        assert all(_runs(c) for c in children) and parent.pid not in children
        parent.send_signal(getattr(signal, how))
        until = time.monotonic() + 30
        while time.monotonic() < until and any(_runs(c) for c in children):
            time.sleep(0.05)
        assert not any(_runs(c) for c in children)
    finally:
        parent.kill()
        parent.wait()
        for child in children:
            if _runs(child):
                os.kill(child, signal.SIGKILL)


def test_what_is_not_needed_is_stopped_without_a_word():
    import joblib

    started = time.monotonic()
    results = parallel(2, (joblib.delayed(time.sleep)(s) for s in (0, 60)))
    next(results)
    results.close()
    assert time.monotonic() - started < 30
