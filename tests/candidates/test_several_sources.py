"""Several sources: recognised, counted, and used by the methods that keep them apart."""

import numpy as np

from landbridge import Domain, transfer
from landbridge.candidates import find_strategy
from landbridge.problem import Arguments, Sides

rng = np.random.default_rng(0)
X, Z = rng.normal(size=(60, 2)), rng.normal(size=(40, 2))
Y = (X[:, 0] > 0).astype(int)


def test_one_source_domain_is_not_several():
    for origin, name in ((np.arange(60) % 3, "several sources"), (np.zeros(60), "tables"), (None, "tables")):
        source = Domain(X, Y, source_domain=origin)
        assert find_strategy(Sides(source, Z, Arguments.of())).name == name


def test_methods_that_need_them_join_the_plan():
    names = np.array(["a", "b", "c"])[np.arange(60) % 3]
    result = transfer(Domain(X, Y, source_domain=names), Z, methods=None, n_jobs=1)
    assert result["SourcePooling"].status == "tried"
    assert result.settings["n_by_source"] == {"a": 20, "b": 20, "c": 20}
    assert result.settings["situation"] == "several sources"
