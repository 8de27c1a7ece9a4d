import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from landbridge.data import BUILTIN_PAIRS, builtin_names, load_builtin
from landbridge.exceptions import InputError


@pytest.mark.parametrize("pair", BUILTIN_PAIRS, ids="-".join)
def test_pairs_fit_together(pair):
    source, target = (load_builtin(n) for n in pair)
    assert source.X.shape[1] == target.X.shape[1] and source.columns == target.columns
    assert source.regime == target.regime == "labelled"
    assert set(pair) <= set(builtin_names())


def test_printed_to_handwritten_is_a_real_shift():
    printed, hand = load_builtin("printed"), load_builtin("handwritten")
    assert printed.image_shape == (8, 8) and 0 <= printed.X.min() and printed.X.max() == 16
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    half = np.random.default_rng(0).permutation(len(printed)) < len(printed) // 2
    at_home = model.fit(printed.X[half], printed.y[half]).score(printed.X[~half], printed.y[~half])
    away = model.score(hand.X, hand.y)
    assert at_home > 0.9 and 0.35 < away < 0.55


def test_the_sample_depends_on_random_state_only():
    a, b, c = load_builtin("printed"), load_builtin("printed", random_state=0), load_builtin("printed", random_state=1)
    np.testing.assert_array_equal(a.X, b.X)
    assert (a.X != c.X).any()


def test_unknown_names_are_errors_with_a_suggestion():
    with pytest.raises(InputError, match="did you mean printed"):
        load_builtin("print")
