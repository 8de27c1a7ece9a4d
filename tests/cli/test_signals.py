import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from landbridge.cli._signals import Stopped, stoppable


@pytest.fixture(autouse=True)
def _interruptible():
    """Ctrl-C reaches this process and those that it starts, even where a shell started it in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_becomes_an_exit_code(number, code):
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as stopped, stoppable():
        signal.raise_signal(number)
    assert stopped.value.exit_code == code
    assert signal.getsignal(number) is before


@posix
def test_ignored_signals_stay_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_handlers_of_errors_do_not_take_it():
    assert not issubclass(Stopped, Exception)


SLOW = """
    import sys
    import landbridge.runner._run as runner
    from landbridge.runner._try import try_candidate

    def slow(spec, problem, **how):
        trial = try_candidate(spec, problem, **how)
        if spec.role == "candidate":
            print("begun", flush=True)
            import time
            time.sleep(60)
        return trial

    runner.try_candidate = slow
    sys.argv = ["landbridge", "transfer", "a.csv", "b.csv", "--label", "ill", "--target-labels", "hide",
                "--methods", "CORAL,GFK", "--jobs", "1", "--out", "stopped"]
    from landbridge.cli import main
    main()
"""


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_says_what_is_kept_and_goes_on(clinics, command, number, code):
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SLOW)],
        cwd=clinics,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "begun\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert err.count("\nlandbridge: ") == 1 and "2 finished candidates are kept in stopped" in err and "--resume" in err
    options = ["--label", "ill", "--target-labels", "hide", "--methods", "CORAL,GFK", "--jobs", "1", "--out", "stopped"]
    done = command("transfer", "a.csv", "b.csv", *options, "--resume", cwd=clinics)
    assert done.returncode == 0 and not (clinics / "stopped" / "unfinished").exists()


WORKERS = """
    import os, time, joblib
    from landbridge.processes import parallel

    def job():
        print(os.getpid(), flush=True)
        time.sleep(60)

    if __name__ == "__main__":
        list(parallel(2, [joblib.delayed(job)() for _ in range(2)]))
"""


@posix
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_processes_end_with_the_one_that_started_them(tmp_path):
    script = tmp_path / "workers.py"
    script.write_text(textwrap.dedent(WORKERS))
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    pids = [int(process.stdout.readline()) for _ in range(2)]
    process.kill()
    process.wait()
    for _ in range(80):
        if not any(_runs(pid) for pid in pids):
            break
        time.sleep(0.1)
    assert not any(_runs(pid) for pid in pids)
    process.stdout.close()


def _runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
