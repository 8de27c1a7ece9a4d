"""Validators of the literature: estimates of a model's quality on the target without target labels, one per file.

All are called alike, ``validator(estimator, source, target)``, and :func:`as_scoring` makes any of them a scikit-learn
``scoring``. The guard uses reverse validation alone: each of the others can be deceived, as its notes say.
"""

from landbridge.guard.validators._embedded_validation import dev_risk, embedded_validation
from landbridge.guard.validators._entropy import mean_entropy, prediction_entropy
from landbridge.guard.validators._importance_weighted import importance_weighted
from landbridge.guard.validators._neighbourhood_density import neighbourhood_density, soft_neighbourhood_density
from landbridge.guard.validators._nuclear_norm import answer_nuclear_norm, nuclear_norm
from landbridge.guard.validators._reverse_validation import reverse_validation
from landbridge.guard.validators._scoring import as_scoring

__all__ = [
    "answer_nuclear_norm",
    "as_scoring",
    "dev_risk",
    "embedded_validation",
    "importance_weighted",
    "mean_entropy",
    "neighbourhood_density",
    "nuclear_norm",
    "prediction_entropy",
    "reverse_validation",
    "soft_neighbourhood_density",
]
