"""Presentation of results in notebooks and files: a short HTML table, and one self-contained page."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

__all__ = ["Presentable"]

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8886;"
    "vertical-align:top}div{overflow-x:auto}"
)


class Presentable:
    """Mixin of what the verbs return: ``_repr_html_`` and ``report`` from a title, sentences and ``to_frame``."""

    def to_frame(self) -> Any:
        """Return the content as a table.

        Returns
        -------
        DataFrame
        """
        raise NotImplementedError

    def _title(self) -> str:
        return type(self).__name__

    def _sentences(self) -> list[str]:
        return []

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        table = frame.to_html(index=False, border=0, na_rep="", float_format="{:.3f}".format) if len(frame) else ""
        text = "".join(f"<p>{html.escape(s)}</p>" for s in self._sentences() if s)
        return f"<strong>{html.escape(self._title())}</strong>{text}<div>{table}</div>"

    def report(self, path: str | Path) -> Path:
        """Write one self-contained HTML page.

        Parameters
        ----------
        path : str or Path
            File to write; a folder gets ``report.html``.

        Returns
        -------
        Path
            The file.
        """
        file = Path(path)
        if file.suffix.lower() not in (".html", ".htm"):
            file = file / "report.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        title = html.escape(self._title())
        page = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
            f"<body><main>{self._repr_html_()}</main></body></html>\n"
        )
        file.write_text(page, encoding="utf-8")
        return file
