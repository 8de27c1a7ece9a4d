"""Jobs of the worker beyond the first: methods that a peer has too, with the same settings where both have them.

Like the worker it imports nothing but numpy until it knows which environment it runs in.
"""

import numpy as np

TOLD = 100  # labelled target rows, where a method needs some


def _ours(room, name, *args, base=None, labels=False, fit_only=False, regression=False, max_samples=True, **params):
    def job(d, job):
        import importlib

        from sklearn.pipeline import make_pipeline  # noqa: F401 - imported before the clock starts

        cls = getattr(importlib.import_module(f"landbridge.{room}"), name)
        given = dict(params)
        if given.get("gamma") == "same":
            given["gamma"] = job["gamma"]
        if base is not None:
            given["estimator"] = _base(base)
        model = cls(*args, **given)
        if "random_state" in model.get_params(deep=False) and model.random_state is None:
            model.set_params(random_state=0)
        y = d["ys"].astype(float) + d["Xs"][:, 0] if regression else d["ys"]
        told = {}
        if labels:
            yt = y.astype(float).copy() if regression else y.astype(object).copy()
            yt[TOLD:] = np.nan if regression else None
            told = {"y_target": yt}

        def run():
            model.fit(d["Xs"], y, X_target=d["Xt"], **told)
            if not fit_only:
                (model.predict if hasattr(model, "predict") else model.transform)(d["Xt"])

        return run

    return job


def _skada(name, *args, base=None, regression=False, adapter=True, then=None, **params):
    def job(d, job):
        import skada

        X, side = np.concatenate([d["Xs"], d["Xt"]]), np.repeat([1, -2], [len(d["Xs"]), len(d["Xt"])])
        ys = d["ys"].astype(float) + d["Xs"][:, 0] if regression else d["ys"]
        hidden = np.full(len(ys), np.nan) if regression else np.full(len(ys), -1)
        y = np.concatenate([ys, hidden])
        given = dict(params)
        if base is not None:
            given["base_estimator"] = _base(base)
        model = getattr(skada, name)(*args, **given)
        if then is not None:  # weights, and a learner that takes them
            model = skada.make_da_pipeline(model, _base(then).set_fit_request(sample_weight=True))

        def run():
            if adapter and then is None:
                model.fit_transform(X, y, sample_domain=side)
                return
            model.fit(X, y, sample_domain=side)
            model.predict(d["Xt"], sample_domain=np.full(len(d["Xt"]), -2))

        return run

    return job


def _adapt(room, name, *, base="logistic", labels=False, regression=False, weights=False, **params):
    def job(d, job):
        import importlib

        cls = getattr(importlib.import_module(f"adapt.{room}_based"), name)
        given = dict(params)
        if given.get("gamma") == "same":
            given["gamma"] = [job["gamma"]]
        y = d["ys"].astype(float) + d["Xs"][:, 0] if regression else d["ys"]
        Xt, yt = d["Xt"], y
        if weights:
            model = cls(_base(base), verbose=0, random_state=0, **given)
            return lambda: (model.fit_weights(d["Xs"], Xt), None)[1]
        if room == "parameter":

            def run():
                model = cls(_base(base).fit(d["Xs"], y), verbose=0, random_state=0, **given)
                model.fit(Xt[:TOLD], yt[:TOLD])
                model.predict(Xt)

            return run
        model = cls(_base(base), verbose=0, random_state=0, **given)
        told = {"Xt": Xt[:TOLD], "yt": yt[:TOLD]} if labels else {"Xt": Xt}
        return lambda: (model.fit(d["Xs"], y, **told), model.predict(Xt), None)[2]

    return job


def _base(name):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    return {
        "logistic": LogisticRegression(max_iter=200),
        "linear": LinearRegression(),
        "ridge": Ridge(),
        "ridge classifier": RidgeClassifier(),
        "tree": DecisionTreeClassifier(max_depth=5, random_state=0),
        "regression tree": DecisionTreeRegressor(max_depth=5, random_state=0),
        "forest": RandomForestClassifier(20, max_depth=5, random_state=0),
    }[name]


JOBS = {
    ("landbridge", "ULSIF"): _ours("instance", "ULSIF", base="logistic", gamma="same", alpha=1.0, n_centers=100),
    ("adapt", "ULSIF"): _adapt("instance", "ULSIF", gamma="same", lambdas=[1.0], max_centers=100, kernel="rbf"),
    ("landbridge", "ClassifierDensityRatio"): _ours("instance", "ClassifierDensityRatio", base="logistic"),
    ("skada", "ClassifierDensityRatio"): _skada("DiscriminatorReweightAdapter", then="logistic"),
    ("adapt", "ClassifierDensityRatio"): _adapt("instance", "IWC"),
    ("landbridge", "NearestNeighbourWeights"): _ours("instance", "NearestNeighbourWeights", base="logistic"),
    ("skada", "NearestNeighbourWeights"): _skada("NearestNeighborReweightAdapter", then="logistic"),
    ("adapt", "NearestNeighbourWeights"): _adapt("instance", "NearestNeighborsWeighting", n_neighbors=1),
    ("landbridge", "SubspaceAlignment"): _ours("feature", "SubspaceAlignment", 10),
    ("skada", "SubspaceAlignment"): _skada("SubspaceAlignmentAdapter", n_components=10),
    ("adapt", "SubspaceAlignment"): _adapt("feature", "SA", n_components=10),
    ("landbridge", "OTMapping, exact"): _ours("feature", "OTMapping", "emd", max_samples=None),
    ("skada", "OTMapping, exact"): _skada("OTMappingAdapter"),
    ("landbridge", "OTMapping, entropic"): _ours(
        "feature", "OTMapping", "sinkhorn", reg_e=0.05, norm="median", max_samples=None, max_iter=1000, tol=1e-8
    ),
    ("skada", "OTMapping, entropic"): _skada(
        "EntropicOTMappingAdapter", reg_e=0.05, norm="median", max_iter=1000, tol=1e-8
    ),
    ("landbridge", "ClassRegularizedOT"): _ours(
        "feature", "ClassRegularizedOT", "lpl1", reg_e=1.0, reg_cl=0.1, norm=None, max_samples=None
    ),
    ("skada", "ClassRegularizedOT"): _skada("ClassRegularizerOTMappingAdapter", reg_e=1.0, reg_cl=0.1),
    ("landbridge", "LinearOT"): _ours("feature", "LinearOT"),
    ("skada", "LinearOT"): _skada("LinearOTMappingAdapter"),
    ("landbridge", "OTLabelPropagation"): _ours(
        "feature", "OTLabelPropagation", base="logistic", solver="emd", max_samples=None
    ),
    ("skada", "OTLabelPropagation"): _skada("OTLabelProp", base="logistic", adapter=False, n_iter_max=200_000),
    ("landbridge", "JDOTClassifier"): _ours("feature", "JDOTClassifier", base="logistic"),
    ("skada", "JDOTClassifier"): _skada("JDOTClassifier", base="logistic", adapter=False, n_iter_max=10, tol=1e-4),
    ("landbridge", "JDOTRegressor"): _ours("feature", "JDOTRegressor", base="ridge", regression=True),
    ("skada", "JDOTRegressor"): _skada(
        "JDOTRegressor", base="ridge", regression=True, adapter=False, n_iter_max=10, tol=1e-4
    ),
    ("landbridge", "TJM"): _ours(
        "feature", "TJM", 10, kernel="rbf", gamma="same", n_landmarks=None, max_iter=5, tol=0.0
    ),
    ("skada", "TJM"): _skada("TransferJointMatchingAdapter", n_components=10, max_iter=5, tol=0.0),
    ("landbridge", "TransferSubspaceLearning"): _ours("feature", "TransferSubspaceLearning", 5, max_iter=20),
    ("skada", "TransferSubspaceLearning"): _skada("TransferSubspaceLearningAdapter", n_components=5, max_iter=20),
    ("landbridge", "FeatureAugmentation"): _ours("feature", "FeatureAugmentation", base="logistic", labels=True),
    ("adapt", "FeatureAugmentation"): _adapt("feature", "FA", labels=True),
    ("landbridge", "TrAdaBoost"): _ours("instance", "TrAdaBoost", base="tree", labels=True, n_estimators=20),
    ("adapt", "TrAdaBoost"): _adapt("instance", "TrAdaBoost", base="tree", labels=True, n_estimators=20),
    ("landbridge", "TrAdaBoostR2"): _ours(
        "instance", "TrAdaBoostR2", base="regression tree", labels=True, regression=True, n_estimators=20
    ),
    ("adapt", "TrAdaBoostR2"): _adapt(
        "instance", "TrAdaBoostR2", base="regression tree", labels=True, regression=True, n_estimators=20
    ),
    ("landbridge", "TwoStageTrAdaBoostR2"): _ours(
        "instance", "TwoStageTrAdaBoostR2", base="regression tree", labels=True, regression=True, n_steps=5,
        n_estimators=5, selection="single",
    ),
    ("adapt", "TwoStageTrAdaBoostR2"): _adapt(
        "instance", "TwoStageTrAdaBoostR2", base="regression tree", labels=True, regression=True, n_estimators=5,
        n_estimators_fs=5,
    ),
    ("landbridge", "SourcePriorLogistic"): _ours("parameter", "SourcePriorLogistic", labels=True),
    ("adapt", "SourcePriorLogistic"): _adapt("parameter", "RegularTransferLC"),
    ("landbridge", "SourcePriorRidge"): _ours("parameter", "SourcePriorRidge", labels=True, regression=True),
    ("adapt", "SourcePriorRidge"): _adapt("parameter", "RegularTransferLR", base="linear", regression=True),
    ("landbridge", "TransferTree"): _ours("parameter", "TransferTree", "ser", base="tree", labels=True),
    ("adapt", "TransferTree"): _adapt("parameter", "TransferTreeClassifier", base="tree", algo="ser"),
    ("landbridge", "TransferForest"): _ours(
        "parameter", "TransferForest", "ser", base="forest", labels=True, n_estimators=20
    ),
    ("adapt", "TransferForest"): _adapt("parameter", "TransferForestClassifier", base="forest", algo="ser"),
}  # fmt: skip
METHODS = tuple(dict.fromkeys(method for _, method in JOBS))
