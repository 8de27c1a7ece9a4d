import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from landbridge.data import MIXED_SHIFT_KINDS, SHIFT_KINDS, make_gradual_shift, make_shift
from landbridge.exceptions import InputError
from landbridge.feature import CORAL, DomainScaler


@pytest.mark.parametrize("kind", SHIFT_KINDS)
def test_severity_zero_is_no_shift_and_one_hurts(kind):
    calm, hard = [], []
    for seed in range(3):
        for severity, out in ((0.0, calm), (1.0, hard)):
            source, target = make_shift(kind, severity=severity, random_state=seed)
            model = LogisticRegression().fit(source.X, source.y)
            out.append(model.score(source.X, source.y) - model.score(target.X, target.y))
    assert abs(np.mean(calm)) < 0.05
    if kind not in ("label", "covariate"):
        assert np.mean(hard) > 0.2


def test_the_label_trap():
    source, target = make_shift("label", random_state=0)
    assert np.mean(source.y) < 0.3 < 0.7 < np.mean(target.y)
    learner = LogisticRegression()
    assert learner.fit(source.X, source.y).score(target.X, target.y) > 0.97
    coral = CORAL(center=True)
    Zs = coral.fit_transform(source.X, X_target=target.X)
    assert learner.fit(Zs, source.y).score(target.X, target.y) < 0.45


def test_gradual_domains_lead_from_source_to_target():
    domains = make_gradual_shift(5, random_state=0)
    model = LogisticRegression().fit(domains[0].X, domains[0].y)
    scores = [model.score(s.X, s.y) for s in domains]
    assert len(domains) == 5 and scores[1] > scores[-1]


def test_bad_arguments():
    with pytest.raises(InputError, match="kind"):
        make_shift("weather")
    with pytest.raises(InputError, match="severity"):
        make_shift("label", severity=2)


@pytest.mark.parametrize("kind", [*MIXED_SHIFT_KINDS, "label+translation", "label+covariate+concept"])
def test_several_kinds_together_hurt_and_severity_zero_does_not(kind):
    scores = {}
    for severity in (0.0, 1.0):
        source, target = make_shift(kind, severity=severity, n_source=600, n_target=600, random_state=0)
        model = LogisticRegression().fit(source.X, source.y)
        scores[severity] = balanced_accuracy_score(target.y, model.predict(target.X))
        assert (len(source), len(target)) == (600, 600)
    assert scores[0.0] > 0.75
    assert scores[1.0] < scores[0.0] - 0.04


@pytest.mark.parametrize("kind", [k for k in MIXED_SHIFT_KINDS if "label" in k])
def test_class_shares_are_those_asked_for(kind):
    shares = {"source_shares": [0.5, 0.5], "target_shares": [0.98, 0.02]}
    source, target = make_shift(kind, **shares, random_state=0)
    assert source.y.mean() == 0.5 and target.y.mean() == pytest.approx(0.02)
    _, half = make_shift(kind, **shares, severity=0.5, random_state=0)
    assert half.y.mean() == pytest.approx(0.26)


def test_the_names_of_several_kinds_come_in_any_order():
    one, other = (make_shift(k, n_features=3, random_state=1)[1] for k in ("label+concept", "concept+label"))
    assert np.array_equal(one.X, other.X) and np.array_equal(one.y, other.y)


def test_several_kinds_with_more_classes():
    shares = [0.9, 0.05, 0.03, 0.02]
    _, target = make_shift("label+concept", n_classes=4, target_shares=shares, random_state=0)
    assert np.bincount(target.y).tolist() == [360, 20, 12, 8]


def test_scaling_each_domain_is_right_for_concept_and_wrong_with_other_class_shares():
    found = {}
    for kind in ("concept", "label+concept"):
        source, target = make_shift(kind, random_state=0)
        scaler = DomainScaler()
        model = LogisticRegression().fit(scaler.fit_transform(source.X, X_target=target.X), source.y)
        found[kind] = model.score(scaler.transform(target.X), target.y)
    assert found["concept"] > 0.95 and found["label+concept"] < 0.6


def test_covariate_with_concept_keeps_the_rule_on_the_features_before_the_map():
    source, target = make_shift("covariate+concept", noise=0.0, random_state=0)
    X = (target.X - [4.0, 1.0]) / [2.5, 0.5]
    for Z, y in ((source.X, source.y), (X, target.y)):
        assert np.array_equal(y == 1, Z[:, 0] - Z[:, 0] ** 3 + Z[:, 1] > 0)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"kind": "label+weather"}, "kind must be one of"),
        ({"kind": "label+label"}, "twice"),
        ({"kind": "concept", "target_shares": [0.5, 0.5]}, "target_shares was given without label shift"),
        ({"kind": "label", "target_shares": [0.5, 0.6]}, "target_shares must be 2 positive numbers"),
        ({"kind": "label", "source_shares": "half"}, "source_shares must be 2 positive numbers"),
        ({"kind": "label+covariate", "n_classes": 3}, "n_classes must be 2"),
    ],
)
def test_bad_arguments_of_several_kinds(how, message):
    with pytest.raises(InputError, match=message):
        make_shift(**how)
