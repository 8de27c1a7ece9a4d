"""Private names of scikit-learn are imported in one file."""

import ast
from pathlib import Path

import landbridge

ROOT = Path(landbridge.__file__).parent


def _private(node):
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sklearn":
        return any(p.startswith("_") for p in [*node.module.split("."), *(a.name for a in node.names)])
    return isinstance(node, ast.Import) and any(a.name.startswith("sklearn.") and "._" in a.name for a in node.names)


def test_private_names_are_imported_in_one_file():
    found = {
        str(file.relative_to(ROOT))
        for file in ROOT.rglob("*.py")
        if any(_private(n) for n in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    }
    assert found == {"_sklearn_compat.py"}
