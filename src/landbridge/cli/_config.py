"""Options from a file: reading ``--config run.toml``, and writing the ``run.toml`` of a run."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from landbridge.exceptions import InputError, ReadError

__all__ = ["FILE", "apply_config", "to_toml", "write_config"]

FILE = "run.toml"
# Options that are paths: relative ones are looked up from the folder of the file first.
PATHS = frozenset({"source", "target", "intermediate", "out", "network"})
# Options that do not belong to a run: where the others stand, and what is printed about it.
APART = frozenset({"config", "help", "resume", "as_json", "quiet", "verbose"})


def apply_config(ctx: typer.Context, value: Path | None) -> Path | None:
    """Take the options of a file as defaults of a command.

    Parameters
    ----------
    ctx : Context
    value : Path or None

    Returns
    -------
    Path or None

    Raises
    ------
    InputError
        If the file cannot be read, or holds an option that no command has.
    """
    if value is None or ctx.resilient_parsing:
        return value
    held = _read(value)
    own = _parameters(ctx.command)
    known = {key for command in _commands(ctx) for key in _parameters(command)} | {"source", "target"}
    defaults: dict[str, Any] = {}
    for key, content in held.items():
        name = key.replace("_", "-")
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1)
            hint = f"did you mean {near[0]}?" if near else f"`{ctx.command_path} --help` lists the options."
            raise InputError(f"{value} has the option {key!r}, which does not exist; {hint}")
        if name in own:
            defaults[own[name].name] = _value(content, own[name], name, value)
    if "sides" in own and ("source" in held or "target" in held):
        defaults["sides"] = _sides(held, value)
    ctx.default_map = {**(ctx.default_map or {}), **defaults}
    return value


def write_config(folder: Path, values: Mapping[str, Any], version: str) -> Path:
    """Write the options of a run beside its result.

    Parameters
    ----------
    folder : Path
    values : mapping
        Value by name of the option; those that are None are not written.
    version : str
        Of landbridge.

    Returns
    -------
    Path
        The file.
    """
    from landbridge.results._files import write_atomically

    lines = {n.replace("_", "-"): _portable(n, v, folder) for n, v in values.items() if v is not None and v != []}
    head = (
        f"# Written by landbridge {version}. The run is repeated by: landbridge transfer --config {FILE}\n"
        "# Paths are relative to the folder of this file; options that are not here have their defaults.\n"
    )
    file = folder / FILE
    write_atomically(file, (head + to_toml(lines)).encode())
    return file


def to_toml(values: Mapping[str, Any]) -> str:
    """Write text, numbers, booleans and lists of them as TOML.

    Parameters
    ----------
    values : mapping

    Returns
    -------
    str

    Examples
    --------
    >>> from landbridge.cli._config import to_toml
    >>> print(to_toml({"seed": 0, "drop": ["a", "b c"], "exhaustive": False}), end="")
    seed = 0
    drop = ["a", "b c"]
    exhaustive = false
    """
    return "".join(f"{_key(k)} = {_literal(v)}\n" for k, v in values.items())


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _literal(name)


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_literal(v) for v in value) + "]"
    escaped = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}
    text = "".join(escaped.get(c, c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}") for c in str(value))
    return f'"{text}"'


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise ReadError(f'--config {file} is no TOML: {error}; write lines such as label = "ill".') from None
    except UnicodeDecodeError:
        raise ReadError(f"--config {file} is not written in UTF-8; save it again in that encoding.") from None
    except OSError as error:
        raise ReadError(f"--config {file} cannot be read ({error.strerror}); check the path.") from None
    except ValueError as error:
        raise ReadError(f"--config {str(file)!r} is no path ({error}); check the name.") from None


def _commands(ctx: typer.Context) -> list[Any]:
    group = ctx.find_root().command
    return [*getattr(group, "commands", {}).values(), ctx.command]


def _parameters(command: Any) -> dict[str, Any]:
    """Parameters of a command by the key that stands for them in a file: the long name of the option."""
    found: dict[str, Any] = {}
    for parameter in command.params:
        names = [o.lstrip("-") for o in parameter.opts if o.startswith("--")] or [parameter.name]
        if parameter.name not in ("config", "help"):
            found |= {n.replace("_", "-"): parameter for n in names}
    return found


def _value(content: Any, parameter: Any, name: str, file: Path) -> Any:
    where = f"{file}: the option {name!r}"
    if isinstance(content, dict):
        raise InputError(f'{where} is a table; give a value, such as {name} = "...".')
    flag, several = getattr(parameter, "is_flag", False), getattr(parameter, "multiple", False)
    if flag != isinstance(content, bool):
        raise InputError(f"{where} must be {'true or false' if flag else 'no boolean'}; got {content!r}.")
    if isinstance(content, list) and not several and name != "methods":
        raise InputError(f"{where} must be one value; got a list.")
    items = content if isinstance(content, list) else [content]
    if any(isinstance(v, dict | list) or "\0" in str(v) for v in items):
        raise InputError(f"{where} holds what no option can be: {content!r}.")
    if name in PATHS:
        items = [_found(str(v), file, written=name == "out") for v in items]
    if name == "methods":
        return ",".join(map(str, items))
    if parameter.name == "time_budget" or flag or not several:
        return items[0]
    return [str(v) for v in items]


def _sides(held: Mapping[str, Any], file: Path) -> list[str]:
    sources = held.get("source", [])
    every = [*(sources if isinstance(sources, list) else [sources]), *([held["target"]] if "target" in held else [])]
    return [_found(str(v), file) for v in every]


def _found(path: str, file: Path, *, written: bool = False) -> str:
    """A path of a file: relative to its folder, or to the current one where it exists there only."""
    if path.startswith("builtin:") or os.path.isabs(path) or not path:
        return path
    beside = file.parent / path
    if written or beside.exists():
        return os.path.normpath(beside)
    return path


def _portable(name: str, value: Any, folder: Path) -> Any:
    if name not in PATHS:
        return value
    if isinstance(value, list | tuple):
        return [_portable(name, v, folder) for v in value]
    text = str(value)
    if text.startswith("builtin:") or not Path(text).exists():
        return text
    try:
        return Path(os.path.relpath(text, folder)).as_posix()
    except ValueError:  # another drive
        return os.path.abspath(text)
