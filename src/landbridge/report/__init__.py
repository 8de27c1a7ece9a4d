"""The report: one self-contained HTML file that tells the whole story of a result."""

from landbridge.report._write import report_json, write_report

__all__ = ["report_json", "write_report"]
