"""Every private name of scikit-learn that landbridge uses, and what differs between its versions, in one place.

Supported from scikit-learn 1.6 on.
"""

from __future__ import annotations

import sklearn
from sklearn.base import _fit_context
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import _safe_indexing
from sklearn.utils._metadata_requests import _RoutingNotSupportedMixin
from sklearn.utils._param_validation import HasMethods, Interval, InvalidParameterError, StrOptions
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import _check_feature_names_in, _num_features

__all__ = [
    "BAGGING_DRAWS_BY_WEIGHT",
    "SKLEARN_VERSION",
    "BaseSearchCV",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "StrOptions",
    "_RoutingNotSupportedMixin",
    "_check_feature_names_in",
    "_fit_context",
    "_num_features",
    "_safe_indexing",
]

SKLEARN_VERSION = parse_version(sklearn.__version__)
# From 1.8 on, bagging draws its samples in proportion to the weights.
BAGGING_DRAWS_BY_WEIGHT = SKLEARN_VERSION >= parse_version("1.8.0.dev0")
