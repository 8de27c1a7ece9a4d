"""Open reports in a real browser, as readers see them: light, dark, on a phone, and printed.

    pip install playwright axe-playwright-python     # and a Chromium: apt-get install chromium
    python -m benchmarks.report_check REPORT.html ... [--pictures FOLDER]

Each page must write nothing to the console, ask for nothing outside, fit the width of its window, show its focus, and
pass every rule of axe-core (WCAG 2 A and AA, and best practices). Exits with 1 where one does not.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

VIEWS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "is_mobile": True},
    "phone-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "is_mobile": True},
}
OPEN_ALL = "document.querySelectorAll('details').forEach(d => d.open = true)"
# Elements that reach past the page although no box of their own scrolls them.
# On a phone the window widens with the page, so that it is the width that was asked for that counts.
OVERFLOW = """width => {
  const wide = document.documentElement.scrollWidth - width;
  if (wide <= 0) return [];
  return [...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > width + 1 && (!e.closest('.scroll') || e.matches('.scroll')))
    .slice(0, 5).map(e => e.tagName + '.' + e.className).concat(wide + ' px too wide');
}"""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FOCUS = """() => {
  const s = getComputedStyle(document.activeElement);
  return document.activeElement === document.body || (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2);
}"""


def browser_path() -> str | None:
    """Return the path of an installed browser, or None."""
    return next((b for n in ("chromium", "chromium-browser", "google-chrome") if (b := shutil.which(n))), None)


def axe_source() -> str | None:
    """Return the source of axe-core that axe-playwright-python ships, or None."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        return None
    files = sorted(Path(found.origin).parent.rglob("axe*.js"))
    return files[0].read_text(encoding="utf-8") if files else None


def complaints(files: list[Path], pictures: Path | None = None) -> list[str]:
    """Return what is wrong with the pages, one line each.

    Parameters
    ----------
    files : list of Path
    pictures : Path, optional
        Folder for screenshots and PDF files. If None, none are made.

    Returns
    -------
    list of str
    """
    from playwright.sync_api import sync_playwright

    found: list[str] = []
    axe = axe_source()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        for file in files:
            for view, options in VIEWS.items():
                found += [f"{file} ({view}): {c}" for c in _in_view(browser, file, view, options, axe, pictures)]
            found += [f"{file} (print): {c}" for c in _printed(browser, file, pictures)]
        browser.close()
    return found


def _in_view(
    browser: Any, file: Path, view: str, options: dict[str, Any], axe: str | None, pictures: Path | None
) -> list[str]:
    found: list[str] = []
    context = browser.new_context(**options)
    page = context.new_page()
    page.on("console", lambda m: found.append(f"console: {m.text}"))
    page.on("pageerror", lambda e: found.append(f"error: {e}"))
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else found.append(f"asks for {r.url}"))
    page.goto(file.resolve().as_uri())
    if pictures is not None:
        page.screenshot(path=pictures / f"{file.parent.name}-{file.stem}-{view}.png", full_page=True)
    for state in ("folded", "unfolded"):
        found += [f"{state}: {e}" for e in page.evaluate(OVERFLOW, options["viewport"]["width"])]
        if axe is not None:
            found += [f"{state}: {c}" for c in _axe(page, axe)]
        page.evaluate(OPEN_ALL)
    for _ in range(12):
        page.keyboard.press("Tab")
        if not page.evaluate(FOCUS):
            found.append(f"no focus to see on {page.evaluate('document.activeElement.outerHTML.slice(0, 80)')}")
    context.close()
    return found


def _axe(page: Any, axe: str) -> list[str]:
    page.evaluate(axe)
    checked = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
    return [
        f"axe {v['id']} ({v['impact']}): {v['help']}: {v['nodes'][0]['html'][:160]} [{len(v['nodes'])}]"
        for v in checked["violations"]
    ]


def _printed(browser: Any, file: Path, pictures: Path | None) -> list[str]:
    page = browser.new_page()
    page.goto(file.resolve().as_uri())
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 1000})
    found = [str(e) for e in page.evaluate(OVERFLOW, 700)]
    shut = page.evaluate(
        "() => [...document.querySelectorAll('details')].filter(d => ![...d.children].slice(1)"
        ".every(c => c.getBoundingClientRect().height > 0)).length"
    )
    if shut:
        found.append(f"{shut} folded parts are not printed")
    pdf = page.pdf(format="A4", prefer_css_page_size=True)
    if pictures is not None:
        (pictures / f"{file.parent.name}-{file.stem}.pdf").write_bytes(pdf)
    page.close()
    return found


def main() -> int:
    """Check the pages that are named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--pictures", type=Path)
    given = parser.parse_args()
    if given.pictures is not None:
        given.pictures.mkdir(parents=True, exist_ok=True)
    if axe_source() is None:
        print("axe-playwright-python is not installed: its rules are not checked")
    found = complaints(given.files, given.pictures)
    print("\n".join(found) or f"{len(given.files)} pages, nothing to complain about")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
