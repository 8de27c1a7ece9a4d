"""The report: one self-contained HTML file per result."""

from landbridge.report._write import report_json, write_report

__all__ = ["report_json", "write_report"]
