"""Facts about two domains before anything is learned."""

import numpy as np
import pandas as pd
import pytest

from landbridge import Domain
from landbridge.data import Inspection, read_pair
from landbridge.problem import inspect_domains


def table(n, seed, **columns):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.normal(50, 10, n),
            "dose": rng.normal(5, 1, n),
            "fever": rng.normal(37, 1, n),
            "bmi": rng.normal(25, 3, n),
        }
    ).assign(ill=rng.integers(0, 2, n), **columns)


def inspected(A, B):
    return inspect_domains(*read_pair(A, B, label="ill"))


def notes(A, B):
    return " ".join(inspected(A, B).notes)


def test_labels_gaps_and_duplicates_are_counted():
    A, B = table(60, 0), table(40, 1)
    A.loc[:19, "dose"] = np.nan
    B = pd.concat([B, B.iloc[:3], A.iloc[30:35]], ignore_index=True)
    found = inspected(A, B)
    one, two = found.sides
    assert (one.n_samples, two.n_samples, two.n_duplicates, found.n_shared_samples) == (60, 48, 3, 5)
    assert one.labels == {str(c): int((A.ill == c).sum()) for c in (0, 1)}
    dose = next(c for c in found.columns if c.name == "dose")
    assert dose.gaps == {"source": 20, "target": 0} and dose.fill.startswith("median")
    text = " ".join(found.notes)
    assert "dose: 20 of 60 in the source" in text and "5 of 48 target samples are in the source" in text


def test_the_same_file_twice_is_said():
    A = table(30, 0)
    assert "same file twice" in notes(A, A)


def test_columns_that_separate_and_other_units_are_named():
    A, B = table(200, 0), table(200, 1)
    B["dose"] *= 38.67
    found = inspected(A, B)
    dose, age = (next(c for c in found.columns if c.name == name) for name in ("dose", "age"))
    assert dose.separates > 0.99 and 0.5 <= age.separates < 0.65
    assert "multiplied by 3" in dose.unit and not age.unit
    assert "dose (1.00)" in " ".join(found.notes)


def test_classes_of_one_side_and_columns_of_one_side():
    A, B = table(60, 0, here=1.0), table(60, 1, there=2.0)
    B["ill"] = B["ill"] + 1
    text = notes(A, B)
    assert "only the source has: 0" in text and "only the target has: 2" in text
    assert "Only the source has here" in text and "Only the target has there" in text


def test_what_is_not_used_is_said_with_the_reason():
    A, B = table(40, 0, site="a", visit="2024-01-02"), table(40, 1, site="b", visit="2024-05-06")
    text = notes(A, B)
    assert "names the domain" in text and "'visit' holds dates" in text


def test_repeats_of_one_person_are_said():
    rng = np.random.default_rng(0)
    X, y = np.repeat(rng.normal(size=(20, 5)), 4, axis=0), np.repeat(np.arange(20) % 2, 4)
    X = X + 0.05 * rng.normal(size=X.shape)
    text = " ".join(inspect_domains(Domain(X, y), Domain(rng.normal(size=(30, 5)))).notes)
    assert "look like repeats" in text and "groups" in text
    groups = np.repeat(np.arange(20), 4)
    assert not any("repeats of" in n for n in inspect_domains(Domain(X, y, groups=groups), None).notes)


@pytest.mark.parametrize("most", [3, 5, 8])
def test_lines_are_few_and_say_what_is_missing(most):
    A, B = table(60, 0, site="a", here=1.0), table(60, 1, site="b", there=1.0)
    A.loc[:29, "dose"] = np.nan
    lines = inspected(A, B).lines(most)
    assert len(lines) <= most and lines[0].startswith("Source source: 60 samples")


def test_facts_survive_json_and_one_side_is_enough():
    found = inspect_domains(Domain(np.eye(4), [0.5, 1.5, 2.25, 9.0]), None)
    assert found.sides[0].label_range == (0.5, 9.0) and len(found.sides) == 1
    both = inspected(table(30, 0), table(30, 1))
    assert Inspection.from_dict(both.to_dict()) == both


def test_permuted_samples_give_the_same_facts():
    A, B = table(50, 0), table(50, 1)
    one, two = inspected(A, B), inspected(A.sample(50, random_state=0), B)
    assert [c.gaps for c in one.columns] == [c.gaps for c in two.columns]
    assert [c.separates for c in one.columns] == pytest.approx([c.separates for c in two.columns])


def test_sparse_samples_have_facts():
    from scipy import sparse

    X = sparse.random_array((30, 8), density=0.3, rng=np.random.default_rng(0), format="csr")
    found = inspect_domains(Domain(X, [0, 1] * 15), Domain(X[:10]))
    assert found.n_shared_samples == 10 and found.n_features == 8


def test_the_features_of_a_column_are_found_by_their_names():
    rng = np.random.default_rng(0)
    n = 40
    A = pd.DataFrame({"a": rng.normal(size=n), "a=b": rng.normal(size=n), "b": ["x", "y"] * (n // 2)})
    B = A.assign(**{"a=b": A["a=b"] + 9, "b": ["x"] * (n - 2) + ["y"] * 2})
    one, two, encoder = read_pair(A.assign(ill=[0, 1] * (n // 2)), B, label="ill")
    held = {c.name: c for c in inspect_domains(one, two, encoder).columns}
    assert held["a"].separates == pytest.approx(0.5)
    assert held["a=b"].separates == pytest.approx(1.0)
    assert held["b"].separates == pytest.approx(0.5 + 0.5 * (0.5 - 2 / n))


def test_points_of_two_scales_that_meet_by_chance_are_named():
    rng = np.random.default_rng(0)
    A = pd.DataFrame(rng.normal(size=(20, 30)), columns=[f"{w}" for w in range(1100, 1160, 2)])
    B = pd.DataFrame(rng.normal(size=(20, 12)), columns=[f"{w}" for w in range(1100, 1160, 5)])
    notes = inspect_domains(*read_pair(A.assign(y=range(20)), B, label="y")).notes
    assert any(n.startswith("Only 6 of 30 and 12 points of a scale") and "interpolate" in n for n in notes)
    notes = inspect_domains(*read_pair(A.assign(y=range(20)), A, label="y")).notes
    assert not any("points of a scale" in n for n in notes)


def test_columns_of_two_frames_in_memory_are_features_of_both():
    import landbridge

    X = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 2)), columns=["a", "b"])
    lines = landbridge.inspect((X, pd.Series([0, 1] * 10)), (X + 1, None)).lines()
    assert not any("none in common" in line for line in lines) and "2 columns used (2 number) as 2 features." in lines


def test_a_missing_label_column_is_said():
    import landbridge

    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "klass": ["u", "v", "u"]})
    assert any("No label column" in line for line in landbridge.inspect(frame).lines())
    assert not any("No label column" in line for line in landbridge.inspect(frame, label="klass").lines())
