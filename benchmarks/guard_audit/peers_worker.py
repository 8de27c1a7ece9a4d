"""One pair in skada's environment: ``python peers_worker.py PAIR.npz`` prints a JSON line.

Every method of the list is fitted with the target labels masked; every scorer gives it a score on held-out samples of
both sides, again without target labels; the target labels only give the accuracy.
"""

import json
import sys
import time
import warnings

import numpy as np
import skada
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.preprocessing import StandardScaler

MASKED = -1
N_SPLITS = 1


def methods(n_features):
    """Shallow methods with their defaults, over the same learner: scaling and logistic regression.

    EntropicOTMapping takes a minute per fit, MMDLSConSMapping needs torch: both are absent.
    """
    learner = LogisticRegression(max_iter=1000).set_score_request(sample_weight=True)
    weighted = learner.set_fit_request(sample_weight=True)
    found = {
        "source-only": skada.make_da_pipeline(StandardScaler(), learner),
        "scaling per domain": skada.make_da_pipeline(skada.PerDomain(StandardScaler()), learner),
        "JDOT": skada.make_da_pipeline(StandardScaler(), skada.JDOTClassifier(learner)),
    }
    for name in ("CORAL", "LinearOTMapping", "OTMapping", "ClassRegularizerOTMapping", "SubspaceAlignment",
                 "TransferComponentAnalysis", "TransferJointMatching", "OTLabelProp"):  # fmt: skip
        found[name] = skada.make_da_pipeline(StandardScaler(), getattr(skada, f"{name}Adapter")(), learner)
    for name in ("Discriminator", "Gaussian", "Density", "KMM", "NearestNeighbor"):
        adapter = getattr(skada, f"{name}ReweightAdapter")()
        found[f"{name}Reweight"] = skada.make_da_pipeline(StandardScaler(), adapter, weighted)
    for name in ("KLIEP", "MMDTarS"):
        adapter = getattr(skada, f"{name}ReweightAdapter")(gamma=1.0 / n_features)
        found[f"{name}Reweight"] = skada.make_da_pipeline(StandardScaler(), adapter, weighted)
    return found


def scorers():
    """Every scorer of skada that needs no target labels."""
    from skada import metrics

    names = ("ImportanceWeightedScorer", "PredictionEntropyScorer", "SoftNeighborhoodDensity",
             "DeepEmbeddedValidation", "CircularValidation", "MixValScorer", "MaNoScorer")  # fmt: skip
    return {n: getattr(metrics, n)() for n in names if hasattr(metrics, n)}


def main():
    """Fit, score and print."""
    with np.load(sys.argv[1]) as d:
        Xs, ys, Xt, yt = d["Xs"], d["ys"], d["Xt"], d["yt"]
    X, domain = np.concatenate([Xs, Xt]), np.repeat([1, -2], [len(ys), len(yt)])
    y = np.concatenate([ys, np.full(len(yt), MASKED)])
    told = {"accuracy": {}, "scores": {s: {} for s in scorers()}, "seconds": {}, "errors": {}}
    splitter = StratifiedShuffleSplit(N_SPLITS, test_size=0.3, random_state=0)
    # classes of one sample cannot be stratified, the sides always can
    splits = list(splitter.split(X, domain))
    for name, model in methods(X.shape[1]).items():
        started = time.perf_counter()
        try:
            fitted = clone(model).fit(X, y, sample_domain=domain)
            predicted = fitted.predict(Xt, sample_domain=np.full(len(yt), -2))
            told["accuracy"][name] = round(float(np.mean(predicted == yt)), 4)
            parts = [(clone(model).fit(X[a], y[a], sample_domain=domain[a]), b) for a, b in splits]
        except Exception as error:
            told["errors"][name] = f"{type(error).__name__}: {error}"[:160]
            continue
        for which, scorer in scorers().items():
            try:
                values = [scorer._score(None, m, X[b], y[b], sample_domain=domain[b]) for m, b in parts]
                told["scores"][which][name] = round(float(np.mean(values)), 6)
            except Exception as error:
                told["errors"][f"{name}, {which}"] = f"{type(error).__name__}: {error}"[:160]
        told["seconds"][name] = round(time.perf_counter() - started, 2)
    print(json.dumps(told))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
