"""``landbridge data``: the built-in domains."""

from __future__ import annotations

from typing import Any

from landbridge.cli._options import PrintOptions, takes

__all__ = ["data_command"]


@takes(printing=PrintOptions)
def data_command(*, printing: PrintOptions) -> None:
    """List the built-in domains and pairs, with their shapes; nothing is downloaded."""
    from landbridge.cli._tables import console, print_json
    from landbridge.data import BUILTIN_PAIRS, builtin_names

    if printing.quiet and not printing.as_json:
        print("\n".join(f"builtin:{name}" for name in builtin_names()))
        return
    domains = [_facts(name) for name in builtin_names()]
    pairs = [{"source": f"builtin:{a}", "target": f"builtin:{b}"} for a, b in BUILTIN_PAIRS]
    if printing.as_json:
        print_json({"domains": domains, "pairs": pairs})
        return
    from rich.table import Table
    from rich.text import Text

    screen = console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("domain", no_wrap=True)
    table.add_column("samples", justify="right")
    table.add_column("features", justify="right")
    table.add_column("what is predicted")
    for facts in domains:
        shape = facts["image_shape"]
        features = f"{facts['n_features']:,}" + (f" ({' x '.join(map(str, shape))} pixels)" if shape else "")
        table.add_row(*(Text(c) for c in (facts["name"], f"{facts['n_samples']:,}", features, _predicted(facts))))
    screen.print(table)
    screen.print()
    screen.print(Text("pairs", style="bold"))
    for pair in pairs:
        screen.print(Text(f"landbridge transfer {pair['source']} {pair['target']}"))


def _facts(name: str) -> dict[str, Any]:
    from landbridge.data import load_builtin
    from landbridge.tasks import infer_task

    domain = load_builtin(name)
    assert domain.y is not None
    task = infer_task(domain.y).name
    labels = sorted(set(domain.y.tolist()))
    return {
        "name": f"builtin:{name}",
        "n_samples": len(domain),
        "n_features": int(domain.X.shape[1]),
        "kind": domain.kind,
        "image_shape": None if domain.image_shape is None else list(domain.image_shape),
        "task": task,
        "classes": labels if task == "classification" else None,
        "label_range": None if task == "classification" else [labels[0], labels[-1]],
    }


def _predicted(facts: dict[str, Any]) -> str:
    if facts["classes"] is None:
        low, high = facts["label_range"]
        return f"a value, {low:g} to {high:g}"
    classes = facts["classes"]
    shown = ", ".join(map(str, classes)) if len(classes) < 4 else f"{classes[0]} to {classes[-1]}"
    return f"{len(classes)} classes: {shown}"
