"""Write methods.md from the tags of the catalogue, so that nothing is listed by hand."""

from pathlib import Path

from landbridge.catalogue import NETWORK, Entry, entries

PAGE = Path(__file__).with_name("methods.md")
PREFACE = """# Methods

Every method of landbridge, by family, as `landbridge methods` lists them; `landbridge methods NAME` explains one: what
it does, when it helps, when it hurts, its parameters and its paper. This page is written from the classes' tags by
`python docs/make_methods.py`.
"""
READS = {
    "X_target": "target samples",
    "y_target": "target labels",
    "source_domain": "several sources",
    "intermediate_domains": "intermediate domains",
    "pairs": "pairs of samples",
}


def page() -> str:
    """Return the text of the page."""
    parts = [PREFACE]
    for family in dict.fromkeys(e.family for e in entries()):
        title = family[0].upper() + family[1:]
        parts.append(f"## {title}\n")
        if family.startswith(NETWORK):
            parts.append("Given to `NeuralClassifier` and `NeuralRegressor` as `methods`.\n")
        parts.append("| method | what it does | reads | tasks |\n|---|---|---|---|")
        parts.append("\n".join(map(_row, entries(family))) + "\n")
    return "\n".join(parts).rstrip() + "\n"


def _row(entry: Entry) -> str:
    reads = ", ".join(READS[r] for r in READS if r in entry.tags.reads)
    summary = entry.summary.replace("|", "\\|")
    return f"| `{entry.name}` | {summary} | {reads} | {', '.join(sorted(entry.tags.tasks))} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
