"""Cases: every pair with two learners, as a source model and as an adapted one, and every single estimate for it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, mean_squared_error, r2_score
from sklearn.pipeline import make_pipeline as plain_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.estimate_pairs import FAMILIES, regression_pairs
from landbridge import Domain, make_pipeline
from landbridge.feature import CORAL
from landbridge.guard import fit_transfer, probabilities
from landbridge.guard._fitting import held_out_fits, take
from landbridge.guard._views import in_class_order, predict_source
from landbridge.performance import Predictions, classification_estimates, compare_domains, regression_estimates

CLASSIFIERS = {
    "logistic regression": plain_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    "boosting": HistGradientBoostingClassifier(max_iter=25, max_leaf_nodes=12, learning_rate=0.2, random_state=0),
}
REGRESSORS = {
    "ridge": plain_pipeline(StandardScaler(), Ridge()),
    "boosting": HistGradientBoostingRegressor(max_iter=25, max_leaf_nodes=12, learning_rate=0.2, random_state=0),
}


def classification_cases(lfmm: Any = None, families: Any = FAMILIES) -> Iterator[dict[str, Any]]:
    """Yield one record per pair, learner and model.

    Parameters
    ----------
    lfmm : module, optional
        ``lfmm.estimators``, whose estimates on the same predictions are added.
    families : iterable of str
        Which pairs.
    """
    for family in families:
        for name, Xs, ys, Xt, yt in FAMILIES[family]():
            source, target = Domain(Xs, ys), Domain(Xt)
            domains = compare_domains(Xs, Xt, random_state=0)
            for learner, estimator in CLASSIFIERS.items():
                for kind in ("source", "adapted"):
                    model = estimator if kind == "source" else make_pipeline(CORAL(), clone(estimator))
                    held_out, made = _predictions(model, source, target)
                    record = {"family": family, "pair": name, "learner": learner, "model": kind}
                    record |= {"n_classes": len(np.unique(ys)), "n_source": len(ys), "n_target": len(yt)}
                    record |= {"outside": domains.outside_support.value, "distance": domains.distance}
                    for metric, short in (("accuracy", "accuracy"), ("balanced accuracy", "balanced")):
                        found = classification_estimates(held_out, made, domains, metric=metric, random_state=0)
                        record[short] = {k: [m.value, m.details["error"]] for k, m in found.items()}
                    record["truth"] = float((made.predicted == yt).mean())
                    record["true_balanced"] = float(balanced_accuracy_score(yt, made.predicted))
                    record["source_accuracy"] = float(held_out.correct.mean())
                    record["source_balanced"] = float(balanced_accuracy_score(held_out.y, held_out.predicted))
                    if lfmm is not None:
                        record["lfmm"] = _of_lfmm(lfmm, held_out, made)
                    yield record


def regression_cases() -> Iterator[dict[str, Any]]:
    """Yield one record per pair, learner and model for values instead of classes."""
    for name, Xs, ys, Xt, yt in regression_pairs():
        source, target = Domain(Xs, ys), Domain(Xt)
        domains = compare_domains(Xs, Xt, random_state=0)
        for learner, estimator in REGRESSORS.items():
            for kind in ("source", "adapted"):
                model = estimator if kind == "source" else make_pipeline(CORAL(), clone(estimator))
                held, made = _regression_predictions(model, source, target)
                found = regression_estimates(held, made, domains, random_state=0)
                yield {
                    "family": name.split(",")[0], "pair": name, "learner": learner, "model": kind,
                    "outside": domains.outside_support.value, "distance": domains.distance,
                    "r2": {k: [m.value, m.details["error"]] for k, m in found.items()},
                    "mse": {k: [m.details["mean_squared_error"], m.details["variance"]] for k, m in found.items()},
                    "source_r2": float(r2_score(ys, held.predicted)), "n_source": len(ys), "n_target": len(yt),
                    "truth": float(r2_score(yt, made.predicted)),
                    "true_rmse": float(mean_squared_error(yt, made.predicted) ** 0.5),
                }  # fmt: skip


def _predictions(model: Any, source: Domain, target: Domain) -> tuple[Predictions, Predictions]:
    classes = np.unique(source.y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proba = np.zeros((len(source), len(classes)))
        for fitted, test in held_out_fits(model, source, target, 3, 0):
            made = probabilities(fitted, take(source.frame(), test), side="source")
            proba[test] = in_class_order(made, fitted.classes_, classes)
        fitted = fit_transfer(clone(model), source.X, source.y, target.X)
        on_target = in_class_order(probabilities(fitted, target.X), fitted.classes_, classes)
    held_out = Predictions.of_probabilities(proba, classes, np.asarray(source.y))
    return held_out, Predictions.of_probabilities(on_target, classes)


def _regression_predictions(model: Any, source: Domain, target: Domain) -> tuple[Predictions, Predictions]:
    predicted = np.zeros(len(source))
    for fitted, test in held_out_fits(model, source, target, 3, 0):
        predicted[test] = predict_source(fitted, take(source.frame(), test))
    fitted = fit_transfer(clone(model), source.X, source.y, target.X)
    return Predictions(predicted, None, np.asarray(source.y)), Predictions(fitted.predict(target.X))


def _of_lfmm(lfmm: Any, held_out: Predictions, made: Predictions) -> dict[str, float]:
    """Its estimators see the confidence and whether a prediction was right, so that they take several classes too."""
    out = {}
    for kind in (lfmm.CBPE, lfmm.ATC, lfmm.DoC):
        fitted = kind().fit(held_out.confidence, held_out.correct, 0.0)
        out[kind.name] = float(fitted.estimate("accuracy", made.confidence, None))
    return out
