"""Results in memory: tables, short representations, notebooks and files."""

import numpy as np
import pytest

import landbridge
from landbridge import Candidate, Decision, Diagnosis, Measurement, Ranking, Result, transfer
from landbridge.data import load_builtin, make_shift
from landbridge.results import Ranked


@pytest.fixture(scope="module")
def result():
    source, target = make_shift("translation", n_source=80, n_target=80, random_state=0)
    return transfer(
        source, target, target_labels="hide", methods=["CORAL", "DomainScaler", "GFK"], assume="shares-kept"
    )


@pytest.fixture(scope="module")
def shown(result):
    ranking = Ranking("leep", (Ranked("<a>", Measurement("leep", -0.2)),), {"b": "no labels"}, "<a> is first.", 10)
    return [result, result.candidates[1], result.decision, result.diagnosis, ranking]


def test_public_types_are_at_the_top():
    for kind in (Result, Candidate, Decision, Ranking, Diagnosis):
        assert getattr(landbridge, kind.__name__) is kind


def test_representations_are_one_short_line(shown):
    for one in shown:
        assert "\n" not in repr(one) and len(repr(one)) < 120 and type(one).__name__ in repr(one)


def test_frames_hold_one_row_per_item(result, shown):
    frame = result.to_frame()
    assert frame["name"].tolist() == [c.name for c in result.candidates]
    assert frame.loc[frame["name"] == "CORAL", "hidden"].item() == result["CORAL"].hidden.value
    assert all(len(one.to_frame()) >= 1 for one in shown)


def test_html_escapes_names(shown):
    for one in shown:
        text = one._repr_html_()
        assert text.startswith("<strong>") and "<a>" not in text


def test_reports_are_one_file(shown, tmp_path):
    for i, one in enumerate(shown):
        file = one.report(tmp_path / str(i))
        text = file.read_text(encoding="utf-8")
        assert file.suffix == ".html" and "<html" in text and "https:" not in text and 'src="http' not in text


def test_a_candidate_is_found_by_name(result):
    assert result["CORAL"].name == "CORAL"
    with pytest.raises(KeyError, match="no candidate 'TCA'; there are source-only, CORAL"):
        result["TCA"]


def test_the_assumption_is_stated(result):
    assert result.decision.assumption and result.decision.assumption in result._repr_html_()


def test_regression_frames():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    result = transfer((X, X[:, 0] + 0.5), X + 1, methods=["CORAL"])
    assert result.to_frame()["hidden"].isna().all()


def test_an_array_of_the_fitted_columns_needs_no_names(recwarn):
    source, target = load_builtin("tumours-small"), load_builtin("tumours-large")
    found = transfer(source, target.without_labels(), methods=["CORAL"])
    recwarn.clear()
    np.testing.assert_array_equal(found.predict(target.X), found.predict(target))
    assert not [w for w in recwarn if "feature names" in str(w.message)]
