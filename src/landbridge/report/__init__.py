"""The report: one self-contained HTML file per result, its Markdown, its figure, and its run of MLflow."""

from landbridge.report._markdown import to_markdown
from landbridge.report._mlflow import log_mlflow
from landbridge.report._plot import plot_candidates
from landbridge.report._write import report_json, write_report

__all__ = ["log_mlflow", "plot_candidates", "report_json", "to_markdown", "write_report"]
