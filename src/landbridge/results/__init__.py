"""Results: what the verbs return, how it is shown, saved and loaded. They do not know how they came about."""

from landbridge.results._candidate import Candidate, Decision
from landbridge.results._expected import Expected
from landbridge.results._hidden_score import hidden_score
from landbridge.results._ranking import Ranked, Ranking
from landbridge.results._result import Result, load_result
from landbridge.results._table import rows_shown

__all__ = [
    "Candidate",
    "Decision",
    "Expected",
    "Ranked",
    "Ranking",
    "Result",
    "hidden_score",
    "load_result",
    "rows_shown",
]
