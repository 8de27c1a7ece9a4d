"""The command line: every option of every command with odd values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.fuzz.case import Case, Place, Wrong
from benchmarks.fuzz.files import saved_result
from benchmarks.fuzz.tables import command, plain_pair, tables

__all__ = ["commands"]

READING = "--drop --keep --id --weights --missing --decimal --encoding --sheet --rename --text --label --groups"
OPTIONS = {
    "inspect": f"{READING} --sources --seed --config",
    "measure": f"{READING} --task --seed --config --scoring",
    "rank": f"{READING} --score --seed --config",
    "transfer": f"{READING} --sources --task --intermediate --methods --target-labels --scoring --assume --confidence "
    "--time-budget --jobs --seed --network --n-seeds --epochs --out --config",
    "estimate": f"{READING} --source --metric --seed",
    "predict": "--out --id --coverage --missing --encoding",
    "report": "--out --title --format",
    "methods": "--family --task --situation",
    "data": "--json --nonsense",
    "version": "--json --nonsense",
    "nonsense": "--label",
}
FLAGS = "--no-header --exhaustive --resume --require-transfer --skip-corrupt --json --quiet --verbose --help".split()
PAIRS = [(c, o) for c, options in OPTIONS.items() for o in options.split()]
VALUES = [
    "", " ", "0", "-1", "1", "2", "1.5", "nan", "inf", "1e400", "99999999999999999999", "age", "ill", "weight",
    "sex", "age,sex", "age=x", "=", "a=b=c", "ill>0", "ill==yes", "nonsense", "CORAL", "CORAL,nonsense",
    "KMM,CORAL", ",", "use", "hide", ".", ",", "utf-8", "latin-1", "utf-99", "classification", "regression",
    "accuracy", "r2", "auto", "nce", "H-score", "ü", "\u202e", "a\nb", "\0", "x" * 5000, "--", "-", "--label",
    "$HOME", "~", "*", "/", "/dev/null", "/dev/full", "/proc/self/mem", "nowhere/deep/er", "new", "[red]x[/red]",
    "%s", "{x}", "builtin", "builtin:nothing", "mlp", "True", "None", "'", '"', ";", "html", "markdown",
]  # fmt: skip
SIDES = [
    "nowhere.csv", "", ".", "/", "/dev/null", "builtin:nothing", "builtin:", "\0", "x" * 4000, "-", "--", "~",
    "https://example.org/a.csv", "a\nb.csv", "[red].csv", "ü.csv", "hf://x/y",
]  # fmt: skip


def commands(place: Place) -> Case:
    """Return a command line with an odd option, a missing argument or an odd side."""
    name, option = PAIRS[place.index % len(PAIRS)]
    A, B = tables(place)
    a, b = plain_pair(place, A, B)
    words: list[Any] = [name]
    if name in ("inspect", "measure", "rank", "transfer"):
        words += [a, b]
    elif name == "estimate":
        words += [saved_result(place), b]
    elif name == "predict":
        words += [saved_result(place), b]
    elif name == "report":
        words += [_copy_of(saved_result(place), place)]
    trouble = place.pick(["option", "option", "option", "side", "missing", "flag", "config"])
    if trouble == "side" and len(words) > 1:
        words[int(place.rng.integers(1, len(words)))] = place.pick(SIDES)
    elif trouble == "missing" and len(words) > 1:
        words = words[: int(place.rng.integers(1, len(words)))]
    value = place.pick(VALUES)
    if "--label" not in (option,) and name in ("inspect", "measure", "rank", "transfer"):
        words += ["--label", "ill"]
    if trouble == "config":
        words += ["--config", place.file("run.toml", place.pick(CONFIGS))]
    words += [option] if option in FLAGS else [option, value]
    if trouble == "flag":
        words.append(place.pick(FLAGS))
    if name == "transfer":
        words += [
            *(["--methods", "CORAL"] if option != "--methods" else []),
            *(["--jobs", "1"] if option != "--jobs" else []),
        ]
    if option == "--epochs" or option == "--n-seeds":
        words = [w for w in words if w != "99999999999999999999"]

    def check(found: tuple[str, str]) -> None:
        out, said = found
        if "Traceback" in out + said:
            raise Wrong("a traceback")
        if "--json" in words and out.strip().startswith(("{", "[")):
            json.loads(out, parse_constant=_no_constant)

    title = " ".join(repr(str(w))[1:-1][:40] for w in words if str(w) not in (a, b))
    return Case(title, lambda: command(*words, codes=(0, 3)), check)


def _no_constant(name: str) -> None:
    raise Wrong(f"{name} in JSON")


def _copy_of(folder: Path, place: Place) -> Path:
    """A result in the folder that may be written to."""
    copy = place.folder / "out" / "run"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


CONFIGS = [
    "", "x", "label = 3", "label = 'ill'", "nonsense = 1", "source = 1", "[a]\nb = 1", "label = ['a']",
    "seed = 'x'", "seed = 1.5", "\ufeffseed = 1", "seed = 1\nseed = 2", "out = ''", "drop = [1]",
    "missing = {a = 1}", "seed = 1979-05-27", "seed = nan", "jobs = true",
]  # fmt: skip
