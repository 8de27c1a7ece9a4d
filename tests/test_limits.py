"""Limits of size: no function of more than 60 code lines or 12 arguments, and every file of the engine has its test."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "landbridge"
MOST_LINES, MOST_ARGUMENTS = 60, 12
FILES = [f for f in sorted(SOURCE.rglob("*.py")) if "neural" not in f.parts]


def _functions(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _code_lines(node):
    body = node.body
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_functions_are_short():
    found = {
        f"{f.relative_to(SOURCE)}:{n.name}": k
        for f in FILES
        for n in _functions(f)
        if (k := _code_lines(n)) > MOST_LINES
    }
    assert not found


def test_functions_take_few_arguments():
    """Constructors of estimators hold one parameter per argument, as scikit-learn asks."""
    found = {}
    for f in sorted(SOURCE.rglob("*.py")):
        for n in _functions(f):
            k = len([*n.args.posonlyargs, *n.args.args, *n.args.kwonlyargs]) + (n.args.kwarg is not None)
            if k > MOST_ARGUMENTS and n.name != "__init__":
                found[f"{f.relative_to(SOURCE)}:{n.name}"] = k
    assert not found


@pytest.mark.parametrize("package", ["candidates", "guard", "problem", "results", "runner", "verbs"])
def test_every_file_of_the_engine_has_its_test(package):
    tests = {t.stem.removeprefix("test_") for t in (ROOT / "tests" / package).rglob("test_*.py")}
    files = {f.stem.removeprefix("_") for f in (SOURCE / package).rglob("_*.py") if f.stem != "__init__"}
    assert not files - tests
