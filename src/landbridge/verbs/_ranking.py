"""Ranking: candidates in order, each with its score, its interval and what chance gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from landbridge.measurement import Measurement

__all__ = ["Ranked", "Ranking"]


@dataclass(frozen=True)
class Ranked:
    """One candidate of a ranking.

    Parameters
    ----------
    name : str
    score : Measurement
        With its interval, and what permuted labels give.
    first : float or None
        Share of random halves of the target rows in which this candidate came first.
    """

    name: str
    score: Measurement
    first: float | None = None

    @property
    def above_chance(self) -> float | None:
        """Score less what permuted labels give, None where there is no such null."""
        return None if self.score.null is None else self.score.value - self.score.null

    def to_dict(self) -> dict[str, Any]:
        """Return the candidate as a plain, JSON-ready dict.

        Returns
        -------
        dict
        """
        return {
            "name": self.name,
            "score": self.score.to_dict(),
            "above_chance": self.above_chance,
            "first": self.first,
        }


@dataclass(frozen=True)
class Ranking:
    """Candidates in order, best first.

    Parameters
    ----------
    score : str
        By what they were ranked.
    candidates : tuple of Ranked
        Best first.
    skipped : dict of str to str
        Candidates that could not be scored, with the reason.
    words : str
        The outcome in words.
    rows : int
        Labelled target rows that were looked at; 0 where none were needed.

    Examples
    --------
    >>> import landbridge
    >>> from landbridge.data import make_shift
    >>> source, target = make_shift("translation", random_state=0)
    >>> ranking = landbridge.rank({"rows": target.X.copy(), "one column": target.X[:, :1].copy()}, target)
    >>> ranking.best, len(ranking), ranking.candidates[0].above_chance > 0
    ('rows', 2, True)
    """

    score: str
    candidates: tuple[Ranked, ...]
    skipped: dict[str, str]
    words: str
    rows: int

    @property
    def best(self) -> str:
        """Name of the first."""
        return self.candidates[0].name

    @property
    def names(self) -> tuple[str, ...]:
        """Names, best first."""
        return tuple(c.name for c in self.candidates)

    @property
    def values(self) -> dict[str, float]:
        """Name to score."""
        return {c.name: c.score.value for c in self.candidates}

    def __len__(self) -> int:
        """Count the candidates that were scored."""
        return len(self.candidates)

    def __iter__(self) -> Iterator[Ranked]:
        """Go through the candidates, best first."""
        return iter(self.candidates)

    def __str__(self) -> str:
        lines = [self.words]
        lines += [f"{i}. {c.name}: {c.score}" for i, c in enumerate(self.candidates, 1)]
        lines += [f"-  {name}: not scored, {why}" for name, why in self.skipped.items()]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the ranking as a plain, JSON-ready dict.

        Returns
        -------
        dict
        """
        return {
            "score": self.score,
            "words": self.words,
            "rows": self.rows,
            "candidates": [c.to_dict() for c in self.candidates],
            "skipped": dict(self.skipped),
        }
