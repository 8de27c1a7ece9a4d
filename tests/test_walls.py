"""The walls between rooms: imports point downwards, and nobody imports a face that contains him."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import landbridge

SOURCE = Path(landbridge.__file__).parent


def test_contracts_hold():
    pytest.importorskip("importlinter", reason="import-linter is not installed")
    root = SOURCE.parents[1]
    if not (root / "pyproject.toml").exists():
        pytest.skip("not a checkout: the contracts are in pyproject.toml")
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(tool)], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_nobody_imports_a_face_that_contains_him():
    guilty = []
    for file in SOURCE.rglob("*.py"):
        if file.name == "__init__.py":
            continue
        parts = ("landbridge", *file.relative_to(SOURCE).parts[:-1])
        faces = {".".join(parts[:i]) for i in range(1, len(parts) + 1)}
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module in faces and node.col_offset == 0:
                guilty.append(f"{file.relative_to(SOURCE)} imports {node.module}")
    assert not guilty


def test_imports_are_absolute():
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), file
