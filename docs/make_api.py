"""Write api.rst from the faces of the packages, so that nothing is listed by hand."""

import importlib
from pathlib import Path

PACKAGES = (
    "instance",
    "feature",
    "parameter",
    "relation",
    "selftaught",
    "stepwise",
    "transferability",
    "neural",
    "neural.parameter",
    "neural.feature",
    "neural.fewshot",
    "zeroshot",
    "discrepancy",
    "guard",
    "performance",
    "data",
    "report",
    "results",
    "tasks",
    "testing",
    "catalogue",
)


def main() -> None:
    """Write the page."""
    page = Path(__file__).with_name("api.rst")
    head = page.read_text(encoding="utf-8").split(".. rooms\n")[0].rstrip()
    parts = [head, "\n\n.. rooms\n"]
    for room in PACKAGES:
        package = importlib.import_module(f"landbridge.{room}")
        names = [n for n in package.__all__ if callable(getattr(package, n))]
        parts.append(f"\nlandbridge.{room}\n{'-' * (11 + len(room))}\n\n.. currentmodule:: landbridge.{room}\n\n")
        parts.append(".. autosummary::\n   :toctree: api/generated\n   :nosignatures:\n\n")
        parts += [f"   {n}\n" for n in names]
    page.write_text("".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
