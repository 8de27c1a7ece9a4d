"""The diagnosis of domains with different features."""

from landbridge.discrepancy import DIFFERENT_FEATURES, different_features


def test_it_says_what_can_judge():
    found = different_features(3, 5, 0)
    assert found.kind == DIFFERENT_FEATURES and found.risk == "high" and "(3 and 5)" in found.words
    assert "nothing can judge" in found.words
    assert "judged by 7 labelled target samples" in different_features(3, 5, 7).words
