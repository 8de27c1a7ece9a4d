"""Parameter names are one vocabulary over all public classes and functions: one name, one meaning, one type."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "landbridge"
# Name -> what to write instead.
FORBIDDEN = {
    "reg": "alpha, reg_covar or reg_e",
    "lam": "what it weights",
    "lambda_": "what it weights",
    "mu": "what it weights",
    "eta": "reg_cl",
    "B": "max_weight",
    "clip": "max_weight",
    "floor": "min_weight",
    "largest": "max_weight",
    "seed": "random_state",
    "lr": "learning_rate",
    "n_iter": "max_iter",
    "threads": "n_jobs",
    "workers": "n_jobs",
    "max_rows": "max_samples",
    "n_rows": "n_samples",
    "source": "source_estimator",
    "classifier": "domain_classifier",
    "intermediate": "fit metadata intermediate_domains",
    "pairs": "fit metadata",
    "groups": "fit metadata source_domain",
    "attributes": "fit metadata",
    "held_out": "validation_fraction",
    "weigh_classes": "weight_classes",
}
# In constructors of networks the norm of the gradient is clipped, as torch says.
ALLOWED = {("_NeuralEstimator", "clip"), ("NeuralStructuredEstimator", "clip")}
DATA = re.compile(r"^(X|y)(_|$)|_domain$|_domains$")
# Bindings, domains and internal holders of arrays are made to hold data.
HOLDERS = {"Domain", "TargetBound", "SourceBound", "RoutedTarget"}


def _estimators():
    """Constructor parameters of every public class that has ``fit`` or is a method of networks."""
    for file in sorted(SOURCE.rglob("*.py")):
        if file.relative_to(SOURCE).parts[0] in {
            "cli",
            "report",
            "problem",
            "candidates",
            "runner",
            "results",
            "numerics",
        }:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef) or node.name in HOLDERS or not node.bases:
                continue
            methods = {m.name: m for m in node.body if isinstance(m, ast.FunctionDef)}
            public = "fit" in methods or "_fit" in methods or "_compute_weights" in methods or "loss" in methods
            if "__init__" in methods and public:
                yield node, methods["__init__"]


def _parameters(init):
    arguments = [*init.args.args[1:], *init.args.kwonlyargs]
    positional = dict(zip([a.arg for a in init.args.args][::-1], init.args.defaults[::-1], strict=False))
    keyword = {a.arg: d for a, d in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True) if d is not None}
    for argument in arguments:
        yield argument, (positional | keyword).get(argument.arg)


ALL = [(c, a, d) for c, init in _estimators() for a, d in _parameters(init)]


def test_there_are_classes_to_check():
    assert len({c.name for c, _, _ in ALL}) > 60


def test_names_of_the_vocabulary():
    found = [
        f"{c.name}({a.arg}): write {FORBIDDEN[a.arg]}"
        for c, a, _ in ALL
        if a.arg in FORBIDDEN and (c.name, a.arg) not in ALLOWED
    ]
    assert not found, "\n".join(found)


def test_constructors_hold_no_data():
    assert not [f"{c.name}({a.arg})" for c, a, _ in ALL if DATA.search(a.arg)]


def test_random_state_is_none():
    found = [c.name for c, a, d in ALL if a.arg == "random_state" and (d is None or ast.unparse(d) != "None")]
    assert not found


def _kind(argument, default):
    text = "" if argument.annotation is None else ast.unparse(argument.annotation)
    kinds = {k for k in ("str", "bool") if re.search(rf"\b{k}\b", text)}
    kinds |= {"number"} if re.search(r"\b(int|float)\b", text) else set()
    if not kinds and isinstance(default, ast.Constant) and default.value is not None:
        kinds = {{"str": "str", "bool": "bool"}.get(type(default.value).__name__, "number")}
    return frozenset(kinds) if len(kinds) == 1 else None


def test_one_name_has_one_type():
    kinds = defaultdict(lambda: defaultdict(set))
    for c, a, d in ALL:
        if isinstance(d, ast.Constant) and d.value == "auto":
            continue
        if (kind := _kind(a, d)) is not None:
            kinds[a.arg][kind].add(c.name)
    found = {n: {str(*k): sorted(c)[:3] for k, c in by.items()} for n, by in kinds.items() if len(by) > 1}
    assert not found


@pytest.mark.parametrize(
    ("name", "words"), [("alpha", "L2|ridge|penalty|regulari"), ("gamma", "kernel|coefficient|window")]
)
def test_reserved_names_mean_what_the_glossary_says(name, words):
    for c, a, _ in ALL:
        if a.arg == name:
            doc = ast.get_docstring(c) or ""
            if "Parameters" not in doc:  # an internal class
                continue
            described = re.search(rf"^{name} :.*?\n((?:    .*\n?)+)", doc, re.MULTILINE)
            assert described is not None and re.search(words, described.group(1), re.IGNORECASE), f"{c.name}({name})"
