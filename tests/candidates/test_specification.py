"""Specifications of candidates."""

from landbridge.candidates import CandidateSpec
from landbridge.candidates._specification import numbered


def test_what_has_nothing_to_fit_is_skipped():
    assert CandidateSpec("A", "feature", None, "needs labels").skipped
    assert not CandidateSpec("A", "feature", object(), "").skipped
    assert not CandidateSpec("A", "feature", None, "", prepare=object).skipped
    assert not CandidateSpec("A", "feature", None, "", cluster=len).skipped


def test_equal_names_are_numbered_in_order():
    specs = [CandidateSpec(n, "feature", None, str(i)) for i, n in enumerate(["A", "B", "A", "A"])]
    assert [(s.name, s.reason) for s in numbered(specs)] == [("A", "0"), ("B", "1"), ("A (2)", "2"), ("A (3)", "3")]
