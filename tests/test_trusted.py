"""Types that a skops file may hold."""

import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from landbridge.exceptions import UntrustedModelError
from landbridge.trusted import PARTS, foreign_types, is_own_type, trusted_types


def test_parts_of_fitted_models_exist():
    """A renamed class would be refused only when a user loads a result."""
    for name in PARTS:
        if name.startswith("landbridge.neural"):
            pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
        assert is_own_type(name), name


@pytest.mark.parametrize("name", ["os.system", "landbridge.trusted.is_own_type", "landbridge.none.X", "builtins.eval"])
def test_functions_and_foreign_types_are_refused(name):
    assert foreign_types([name]) == [name]


def test_data_are_checked():
    fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    skops.io.loads(skops.io.dumps(fitted), trusted=trusted_types(skops.io.dumps(fitted)))
    with pytest.raises(UntrustedModelError, match="is not trusted"):
        trusted_types(skops.io.dumps(FunctionTransformer(is_own_type)))
