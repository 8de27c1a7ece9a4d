import json


def test_the_page_is_written_again(clinics, command, tmp_path):
    page = clinics / "run" / "report.html"
    page.unlink()
    done = command("report", "run", cwd=clinics)
    assert done.returncode == 0, done.stderr
    assert page.is_file() and "report: run/report.html" in done.stdout and "Transferred" in done.stdout
    done = command("report", "run", "--out", tmp_path / "p.html", "--title", "Clinic B", "--json", cwd=clinics)
    held = json.loads(done.stdout)
    assert held["report"].endswith("p.html") and held["decision"]["chosen"]
    assert "Clinic B" in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_a_report_for_a_pull_request(clinics, command, tmp_path):
    done = command("report", "run", "--format", "markdown", "--out", tmp_path, "-q", cwd=clinics)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert text.startswith("#") and "|" in text and "<html" not in text
    done = command("report", "run", "--format", "pdf", cwd=clinics)
    assert done.returncode == 2 and "html or markdown" in done.stderr


def test_a_folder_without_a_result(clinics, command):
    done = command("report", ".", cwd=clinics)
    assert done.returncode == 2 and "holds no result.json" in done.stderr


def test_a_transfer_may_be_required(clinics, command):
    words = ["transfer", "b.csv", "b.csv", "--label", "ill", "--target-labels", "hide", "--methods", "CORAL"]
    words += ["--jobs", "1", "--out", "same", "-q"]
    done = command(*words, "--require-transfer", cwd=clinics)
    assert done.returncode == 3 and "--require-transfer" in done.stderr
    assert (clinics / "same" / "result.json").is_file()
    assert command(*words, cwd=clinics).returncode == 0
    assert command("transfer", "--config", "run/run.toml", "--require-transfer", "-q", cwd=clinics).returncode == 0
