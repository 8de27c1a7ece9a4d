"""Single features in another unit as evidence."""

from dataclasses import replace

import pytest

from landbridge.discrepancy import Diagnosis, MovedFeature
from landbridge.guard import EvidenceKind, decide
from landbridge.guard._by_units import FACTOR, UNITS, by_units

CONVERTED = MovedFeature(3, 38.67, 0.0, separates=1.0)


def diagnosis(*moved):
    return Diagnosis("concept", "high", "", columns={f"f{m.index}": m for m in moved})


@pytest.fixture
def converted(fabricate, flip):
    return fabricate(UNITS, flip(0, 10))


def test_a_pure_factor_between_domains_that_do_not_overlap_is_converted(source_only, converted):
    verdict = by_units(source_only, [converted], diagnosis(CONVERTED))
    assert verdict.transferred and verdict.chosen == UNITS
    assert "f3 is multiplied by 38.7" in verdict.reason
    assert [e.kind for e in verdict.assessments[UNITS].evidence] == [EvidenceKind.UNITS]


@pytest.mark.parametrize(
    "changed",
    [
        {"offset": 4.0},  # samples may have been selected by the feature
        {"scale": FACTOR - 0.1},
        {"separates": 0.9},
        {"scale": -38.67},
        {"scale": 1.0, "offset": 20.0},
    ],
)
def test_what_selection_may_explain_is_not_converted(source_only, converted, changed):
    assert by_units(source_only, [converted], diagnosis(replace(CONVERTED, **changed))) is None


def test_one_doubtful_feature_beside_a_clear_one_is_enough_to_object(source_only, converted):
    doubtful = MovedFeature(1, 1.0, 5.0, separates=1.0)
    assert by_units(source_only, [converted], diagnosis(CONVERTED, doubtful)) is None


def test_nothing_is_chosen_without_the_method_or_without_such_features(source_only, converted, flip, fabricate):
    assert by_units(source_only, [fabricate("CORAL", flip(0, 9))], diagnosis(CONVERTED)) is None
    assert by_units(source_only, [converted], diagnosis()) is None


def test_it_comes_before_maps_of_all_features(source_only, converted, variants, flip):
    aligned = variants(flip(0, 30))
    assert decide([source_only, *aligned, converted], diagnosis(CONVERTED)).chosen == UNITS
    assert decide([source_only, *aligned, converted], diagnosis(replace(CONVERTED, offset=3.0))).chosen != UNITS
