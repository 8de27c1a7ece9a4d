"""The blocks of code in the README and in ``docs`` run, and their commands are parsed."""

import ast
import importlib
import re
import shlex
import wave
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
import sklearn
import typer
from PIL import Image

import landbridge
from landbridge.cli._app import EXAMPLES, app
from landbridge.data import load_builtin, make_shift

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?: {4}|\$ )\s*landbridge +(\S.*)$", re.MULTILINE)
# Blocks that train networks for minutes, or need a cluster: their names and arguments are looked up only.
SLOW = re.compile(r"landbridge\.neural|NeuralClassifier|layer_study|distil\(|dask")


def blocks(page):
    return [code for language, code in BLOCK.findall(page.read_text(encoding="utf-8")) if language == "python"]


def write_tables(folder):
    for name, kind in (("hospital-a", "label"), ("hospital-b", "label"), ("new-patients", "label")):
        source, target = make_shift(kind, n_source=80, n_target=80, random_state=0)
        side = source if name == "hospital-a" else target
        frame = pd.DataFrame(side.X, columns=["age", "bmi"])
        frame = frame.assign(outcome=np.where(side.y == 1, "yes", "no")) if name == "hospital-a" else frame
        frame.to_csv(folder / f"{name}.csv", index=False)


def write_pictures_and_sounds(folder):
    rng = np.random.default_rng(0)
    for name in ("a.jpg", "b.png"):
        Image.fromarray(rng.integers(0, 255, (40, 40), dtype=np.uint8)).save(folder / name)
    for speaker in ("speaker-1", "speaker-2"):
        (folder / speaker / "zero").mkdir(parents=True)
        with wave.open(str(folder / speaker / "zero" / "1.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(rng.integers(-9999, 9999, 4000).astype("<i2").tobytes())


def names_of(page):
    """What a page speaks of without making it."""
    if page.name == "rank.md":
        sides = {
            year: make_shift("covariate", n_source=60, n_target=60, random_state=year)[0] for year in range(19, 23)
        }
        return {f"{n}{year}": getattr(s, n) for year, s in sides.items() for n in ("X", "y")}
    if page.name == "concepts.md":
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import StandardScaler

        from landbridge import with_target
        from landbridge.instance import KMM

        source, target = make_shift("covariate", n_source=60, n_target=60, random_state=0)
        held = {"X": source.X, "y": source.y, "X_target": target.X, "sklearn": sklearn, "Pipeline": Pipeline}
        return held | {"StandardScaler": StandardScaler, "with_target": with_target, "KMM": KMM}
    return {}


def quick(source, target, **more):
    """The function of the examples with one method and a part of large built-in data."""
    sides = [load_builtin(s.removeprefix("builtin:")) if str(s).startswith("builtin:") else s for s in (source, target)]
    sides = [s.take(np.arange(0, len(s), len(s) // 150)) if hasattr(s, "take") and len(s) > 300 else s for s in sides]
    if not hasattr(source, "predict"):
        more = {"methods": ["CORAL"], "n_jobs": 1} | more
    return landbridge.verbs._transfer.transfer(*sides, **more)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=lambda p: p.name)
def test_blocks_of_python_run_in_order(page, tmp_path, monkeypatch):
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    write_tables(tmp_path)
    write_pictures_and_sounds(tmp_path)
    monkeypatch.setattr(landbridge, "transfer", quick)
    names = names_of(page)
    with sklearn.config_context():
        for i, code in enumerate(blocks(page)):
            tree = ast.parse(code)
            if SLOW.search(code):
                check_imports(tree)
            else:
                exec(compile(tree, f"{page.name}, block {i + 1}", "exec"), names)


def check_imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            pytest.importorskip(node.module.split(".")[0])
            if node.module.startswith("landbridge.neural"):
                pytest.importorskip("torch")
            module = importlib.import_module(node.module)
            for alias in node.names:
                assert hasattr(module, alias.name), f"{node.module} has no {alias.name}"


COMMANDS = sorted({line.strip() for p in PAGES for line in COMMAND.findall(p.read_text(encoding="utf-8"))})
COMMANDS += [e.partition("landbridge ")[2].partition("   (")[0] for held in EXAMPLES.values() for e in held]


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_are_parsed(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clinic_b").mkdir()
    (tmp_path / "clinic_b" / "run.toml").write_text('source = "a.csv"\ntarget = "b.csv"\nlabel = "ill"\n')
    group, seen = typer.main.get_command(app), []
    for command in group.commands.values():
        monkeypatch.setattr(command, "callback", lambda **given: seen.append(given))
    group(shlex.split(line), prog_name="landbridge", standalone_mode=False)
    assert len(seen) == 1 and seen[0] is not None


def test_there_are_blocks_and_commands():
    assert sum(len(blocks(p)) for p in PAGES) > 12 and len(COMMANDS) > 25
