"""Types that a skops file may hold."""

import copy
import io
import itertools
import json
import os
import subprocess
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from landbridge.data import read_fitted_model
from landbridge.exceptions import LandbridgeError, UntrustedModelError
from landbridge.trusted import (
    LARGE_PARTS,
    PARTS,
    check_archive,
    check_trees,
    foreign_types,
    import_skops,
    is_own_type,
    trusted_types,
)


def test_parts_of_fitted_models_exist():
    """A renamed class would be refused only when a user loads a result."""
    for name in PARTS:
        if name.startswith("landbridge.neural"):
            pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
        assert is_own_type(name), name


@pytest.mark.parametrize("name", ["os.system", "landbridge.trusted.is_own_type", "landbridge.none.X", "builtins.eval"])
def test_functions_and_foreign_types_are_refused(name):
    assert foreign_types([name]) == [name]


def test_data_are_checked():
    fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    skops.io.loads(skops.io.dumps(fitted), trusted=trusted_types(skops.io.dumps(fitted)))
    with pytest.raises(UntrustedModelError, match="is not trusted"):
        trusted_types(skops.io.dumps(FunctionTransformer(is_own_type)))


NUMBERS = itertools.count(7)


class Alarm(Exception):
    pass


def _alarm(*_, **__):
    raise Alarm


def _leaf(loader, module, name, **more):
    return {"__class__": name, "__module__": module, "__loader__": loader, "__id__": next(NUMBERS), **more}


def _json(value):
    return {
        "__class__": "str",
        "__module__": "builtins",
        "__loader__": "JsonNode",
        "content": json.dumps(value),
        "__id__": 8,
    }


def _tuple(*items):
    return _leaf("TupleNode", "builtins", "tuple", content=list(items))


def _fit():
    return LogisticRegression().fit([[0.0], [1.0]], [0, 1])


def _state():
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(_fit()))) as file:
        return json.loads(file.read("schema.json"))


# What would call or import something of the attacker's choice, one for each kind of node of skops.
HOSTILE = {
    "function": _leaf("FunctionNode", "os", "system"),
    "eval": _leaf("FunctionNode", "builtins", "eval"),
    "type": _leaf("TypeNode", "builtins", "eval"),
    "popen": _leaf("TypeNode", "subprocess", "Popen"),
    "partial": _leaf(
        "PartialNode",
        "functools",
        "partial",
        content={
            "func": _leaf("FunctionNode", "os", "system"),
            "args": _tuple(_json("true")),
            "kwds": _json({}),
            "namespace": _json({}),
        },
    ),
    "partial of a trusted name": _leaf(
        "PartialNode",
        "sklearn.utils._bunch",
        "Bunch",
        content={
            "func": _leaf("TypeNode", "builtins", "eval"),
            "args": _tuple(_json("1")),
            "kwds": _json({}),
            "namespace": _json({}),
        },
    ),
    "methodcaller": _leaf("OperatorFuncNode", "operator", "methodcaller", attrs=_tuple(_json("upper"))),
    "operator": _leaf("OperatorFuncNode", "operator", "call", attrs=_tuple(_leaf("TypeNode", "builtins", "eval"))),
    "operator elsewhere": _leaf("OperatorFuncNode", "os", "system", attrs=_tuple(_json("true"))),
    "method": _leaf(
        "MethodNode", "builtins", "str", content={"func": "format", "obj": _leaf("ObjectNode", "builtins", "str")}
    ),
    "method of an estimator": None,
    "object": _leaf("ObjectNode", "subprocess", "Popen", content=_json({"args": "true"})),
    "reduce": _leaf("ConstructorFromReduceNode", "os", "system", content=_tuple(_json("true"))),
    "reduce of a trusted name": _leaf(
        "ConstructorFromReduceNode", "landbridge.results._persist", "save", content=_tuple(_json("x"))
    ),
    "loss": _leaf("LossNode", "os", "system", __reduce__={"args": _tuple(_json("true"))}, content=_json({})),
    "dict": _leaf("DictNode", "os", "system", content={}, key_types=_leaf("ListNode", "builtins", "list", content=[])),
    "list": _leaf("ListNode", "os", "system", content=[]),
    "default dict": _leaf(
        "DefaultDictNode",
        "collections",
        "defaultdict",
        content={
            "main": _leaf(
                "DictNode", "builtins", "dict", content={}, key_types=_leaf("ListNode", "builtins", "list", content=[])
            ),
            "default_factory": _leaf("TypeNode", "os", "system"),
        },
    ),
    "random": _leaf("RandomGeneratorNode", "numpy.random", "seed", content={"bit_generator": _json({})}),
    "unknown": _leaf("EvalNode", "os", "system"),
    "no loader": {"__class__": "system", "__module__": "os", "__id__": 3},
    "function of landbridge": _leaf("FunctionNode", "landbridge.results._files", "write_atomically"),
    "module of landbridge": _leaf("FunctionNode", "landbridge.results._persist", "os"),
    "dots": _leaf("ObjectNode", "landbridge..base", "x.y"),
    "null": _leaf("ObjectNode", "landbridge.\x00", "x"),
}


@pytest.mark.parametrize("where", ["whole", "attribute", "step"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_before_anything_is_made(kind, where, monkeypatch, tmp_path):
    state, hostile = _state(), HOSTILE[kind]
    if hostile is None:
        hostile = _leaf("MethodNode", state["__module__"], "LogisticRegression", content={"func": "fit", "obj": state})
    if where == "whole":
        schema = hostile | {"protocol": state["protocol"], "_skops_version": state["_skops_version"]}
    else:
        schema = copy.deepcopy(state)
        held = schema["content"]["content"]
        held["C" if where == "attribute" else "solver"] = hostile
    out = io.BytesIO(skops.io.dumps(_fit()))
    with zipfile.ZipFile(out) as file:
        entries = {n: file.read(n) for n in file.namelist()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in (entries | {"schema.json": json.dumps(schema)}).items():
            file.writestr(name, data)
    path = tmp_path / "model.skops"
    path.write_bytes(out.getvalue())
    with monkeypatch.context() as patch, pytest.raises(LandbridgeError) as caught:
        patch.setattr(os, "system", _alarm)
        patch.setattr(subprocess, "Popen", _alarm)
        patch.setattr(LogisticRegression, "fit", _alarm)
        read_fitted_model(path)
    assert "\n" not in str(caught.value) and not isinstance(caught.value.__cause__, Alarm)


def test_archives_are_checked():
    check_archive(skops.io.dumps(_fit()))
    for data in (b"", b"PK", b"x" * 100):
        with pytest.raises(UntrustedModelError, match="damaged"):
            check_archive(data)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("schema.json", "{}")
        file.writestr("schema.json", "[]")
    with pytest.raises(UntrustedModelError, match="two entries of one name"):
        check_archive(out.getvalue())


def test_large_libraries_are_importable_after_skops():
    import sys

    import_skops()
    assert None not in [sys.modules.get(n, 1) for n in LARGE_PARTS]


TREES = [
    DecisionTreeClassifier(random_state=0),
    RandomForestRegressor(3, random_state=0),
    HistGradientBoostingClassifier(max_iter=3),
    GradientBoostingClassifier(n_estimators=3),
]


@pytest.mark.parametrize("model", TREES, ids=lambda m: type(m).__name__)
def test_trees_that_were_grown_are_let_through(model):
    X = np.random.default_rng(0).normal(size=(60, 3))
    check_trees({"model": make_pipeline(StandardScaler(), model).fit(X, np.arange(60) % 2)})


@pytest.mark.parametrize(("part", "value"), [("left_child", 10**9), ("right_child", 0), ("feature", 10**9)])
def test_forged_nodes_are_refused(part, value, tmp_path):
    """They would be read far outside of the tree, or for ever."""
    fitted = DecisionTreeClassifier(random_state=0).fit(np.arange(50.0)[:, None], np.arange(50) % 2)
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(fitted))) as file:
        entries = {n: file.read(n) for n in file.namelist()}
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in entries.items():
            nodes = np.load(io.BytesIO(data)) if name.endswith(".npy") else np.empty(0)
            if nodes.dtype.names:
                nodes[part][0], out = value, io.BytesIO()
                np.save(out, nodes)
                data = out.getvalue()
            file.writestr(name, data)
    with pytest.raises(LandbridgeError):
        read_fitted_model(path)
