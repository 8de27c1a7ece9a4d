import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from landbridge.data import SHIFT_KINDS, make_gradual_shift, make_shift
from landbridge.exceptions import InputError
from landbridge.feature import CORAL


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
