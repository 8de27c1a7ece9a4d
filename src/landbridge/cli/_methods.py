"""``landbridge methods``: every method, or one of them explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from landbridge.cli._completion import complete_pages
from landbridge.cli._options import PrintOptions, takes

if TYPE_CHECKING:
    from rich.console import Console

    from landbridge.cli._method_pages import MethodPage

__all__ = ["methods_command"]


@takes(printing=PrintOptions)
def methods_command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Explain this method; all are listed if omitted.", autocompletion=complete_pages
        ),
    ] = None,
    *,
    family: Annotated[
        str | None, typer.Option(metavar="FAMILY", help="Only this family: instance, feature, parameter, ...")
    ] = None,
    printing: PrintOptions,
) -> None:
    """List every method with its family and the shifts it is made for, or explain one.

    With NAME: what it does, when it helps and when it hurts, its parameters and its paper.
    """
    from landbridge.cli._method_pages import find_page, pages
    from landbridge.cli._tables import console, print_json

    if name is not None:
        page = find_page(name)
        if printing.as_json:
            print_json(page.to_dict(long=True))
        else:
            _show_page(console(), page)
        return
    found = pages(family)
    if printing.as_json:
        print_json([page.to_dict(long=printing.verbose) for page in found])
    elif printing.quiet:
        print("\n".join(page.name for page in found))
    else:
        _show_list(console(), found)


def _show_list(screen: Console, found: list[MethodPage]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("method", overflow="fold", max_width=27)
    table.add_column("made for", max_width=11)
    table.add_column("what it does")
    last = None
    for page in found:
        if page.family != last:
            if last is not None:
                table.add_row()
            table.add_row(Text(page.family, style="bold underline"))
            last = page.family
        name = Text(page.name) if page.available else Text(page.name, style="dim")
        made_for = ", ".join(page.made_for) or ("any shift" if page.tasks else "")
        summary = page.summary if page.available else f"{page.summary} Needs {', '.join(page.requires)}."
        table.add_row(name, Text(made_for), Text(summary))
    screen.print(table)
    screen.print()
    screen.print(Text("One of them in full: landbridge methods NAME", style="dim"))


def _show_page(screen: Console, page: MethodPage) -> None:
    from rich.padding import Padding
    from rich.text import Text

    screen.print(Text.assemble((page.name, "bold"), f"  ({page.family})"))
    screen.print(Text(page.summary))
    if page.description:
        screen.print()
        screen.print(Text(page.description))
    facts = {
        "When it helps": page.helps,
        "When it hurts": page.hurts,
        "Notes": page.notes,
        "Made for": ", ".join(f"{shift} shift" for shift in page.made_for),
        "Tasks": ", ".join(page.tasks),
        "Reads": ", ".join(NEEDS.get(n, n) for n in page.reads),
        "Needs": ", ".join(NEEDS.get(n, n) for n in page.needs),
        "Growth": page.growth,
        "Requires": _requires(page),
    }
    for heading, text in facts.items():
        if text:
            screen.print()
            screen.print(Text(heading, style="bold"))
            screen.print(Padding(Text(text), (0, 0, 0, 2)))
    if page.parameters:
        screen.print()
        screen.print(Text("Parameters", style="bold"))
        for p in page.parameters:
            default = f", default {p.default}" if p.default else ""
            screen.print(Padding(Text.assemble((p.name, "bold"), f"  {p.type}{default}"), (0, 0, 0, 2)))
            if p.description:
                screen.print(Padding(Text(p.description), (0, 0, 0, 4)))
    screen.print()
    screen.print(Text("Paper", style="bold"))
    screen.print(Padding(Text(page.reference), (0, 0, 0, 2)))
    screen.print()
    screen.print(Text("Use", style="bold"))
    screen.print(Padding(Text(page.use), (0, 0, 0, 2)))


def _requires(page: MethodPage) -> str:
    if page.available:
        return ""
    return 'pip install "landbridge[neural]"' if "torch" in page.requires else ", ".join(page.requires)


NEEDS = {
    "X_target": "target samples",
    "y_target": "labels of some target samples",
    "source_domain": "several sources",
    "intermediate_domains": "intermediate domains",
    "pairs": "pairs of samples",
}
