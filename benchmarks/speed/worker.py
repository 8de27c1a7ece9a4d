"""One measurement in its own process: ``python worker.py JOB.json`` prints a JSON line.

Runs in any of the environments, ours or a peer's, so it imports nothing but numpy until it knows which.
"""

import contextlib
import json
import resource
import sys
import time

import more_jobs
import numpy as np


def main():
    """Run one job and print what was measured."""
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    with np.load(job["data"]) as held:
        data = {k: held[k] for k in held.files}
    make = JOBS[job["who"], job["method"]]
    with contextlib.suppress(Exception):  # what is imported or compiled at the first call is not the method's
        make({k: v[:120] for k, v in data.items()}, job)()
    run = make(data, job)
    base = _peak()
    started = time.perf_counter()
    out = run()
    seconds = time.perf_counter() - started
    peak = _peak()
    told = {"seconds": seconds, "peak_mb": (peak - base) / 1024, "whole_mb": peak / 1024}
    if out is not None:
        np.save(job["out"], out)
    print(json.dumps(told))


def _peak():
    """Largest resident size so far in kB; ru_maxrss would remember the process that started this one."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _ours_tca(d, job):
    from landbridge.feature import TCA

    model = TCA(job["k"], alpha=job["reg"], kernel="rbf", gamma=job["gamma"], n_landmarks=None)
    return lambda: np.concatenate([model.fit_transform(d["Xs"], X_target=d["Xt"]), model.transform(d["Xt"])])


def _ours_nystroem(d, job):
    from landbridge.feature import TCA

    model = TCA(job["k"], kernel="rbf", gamma=job["gamma"], n_landmarks=500, random_state=0)
    return lambda: model.fit(d["Xs"], X_target=d["Xt"]) and None


def _skada_tca(d, job):
    from skada import TransferComponentAnalysisAdapter
    from sklearn.metrics.pairwise import rbf_kernel  # noqa: F401 - imported before the clock starts

    X, side = np.concatenate([d["Xs"], d["Xt"]]), np.repeat([1, -2], [len(d["Xs"]), len(d["Xt"])])
    model = TransferComponentAnalysisAdapter(kernel="rbf", n_components=job["k"], mu=job["mu"])

    def run():
        model.fit(X, sample_domain=side)
        out = model.transform(X, sample_domain=side, allow_source=True)
        return np.asarray(out[0] if isinstance(out, tuple) else out)

    return run


def _adapt_tca(d, job):
    from adapt.feature_based import TCA

    model = TCA(n_components=job["k"], mu=job["mu"], kernel="rbf", gamma=job["gamma"], verbose=0)
    return lambda: np.asarray(model.fit_transform(d["Xs"], d["Xt"]))


def _ours_kmm(d, job):
    from landbridge.instance import kmm_weights

    def run():
        found = kmm_weights(d["Xs"], d["Xt"], gamma=job["gamma"], random_state=0)
        print(f"relative duality gap {found.gap / abs(found.objective):.1e}", file=sys.stderr)
        return found.weights

    return run


def _skada_kmm(d, job):
    from skada import KMMReweightAdapter

    X, side = np.concatenate([d["Xs"], d["Xt"]]), np.repeat([1, -2], [len(d["Xs"]), len(d["Xt"])])
    model = KMMReweightAdapter(gamma=job["gamma"])

    def run():
        model.fit(X, sample_domain=side)
        return np.asarray(model.weights_ if hasattr(model, "weights_") else model.source_weights_)

    return run


def _adapt_kmm(d, job):
    from adapt.instance_based import KMM
    from sklearn.linear_model import LogisticRegression

    model = KMM(LogisticRegression(), kernel="rbf", gamma=job["gamma"], verbose=0)
    return lambda: np.asarray(model.fit_weights(d["Xs"], d["Xt"]))


def _ours_coral(d, job):
    from landbridge.feature import CORAL

    model = CORAL(1.0)
    return lambda: model.fit_transform(d["Xs"], X_target=d["Xt"])[:1]


def _skada_coral(d, job):
    from skada import CORALAdapter

    X, side = np.concatenate([d["Xs"], d["Xt"]]), np.repeat([1, -2], [len(d["Xs"]), len(d["Xt"])])
    model = CORALAdapter(reg=1.0)

    def run():
        model.fit(X, sample_domain=side)
        model.transform(X, sample_domain=side, allow_source=True)

    return run


def _adapt_coral(d, job):
    from adapt.feature_based import CORAL

    model = CORAL(lambda_=1.0, verbose=0)
    return lambda: np.asarray(model.fit_transform(d["Xs"], d["Xt"]))[:1]


def _ours_kliep(d, job):
    from sklearn.dummy import DummyClassifier

    from landbridge.instance import KLIEP

    model = KLIEP(DummyClassifier(), gamma=job["gamma"], random_state=0)
    return lambda: model.fit(d["Xs"], d["ys"], X_target=d["Xt"]).source_weights_


def _skada_kliep(d, job):
    from skada import KLIEPReweightAdapter

    X, side = np.concatenate([d["Xs"], d["Xt"]]), np.repeat([1, -2], [len(d["Xs"]), len(d["Xt"])])
    model = KLIEPReweightAdapter(gamma=[job["gamma"]], random_state=0)
    return lambda: model.fit(X, sample_domain=side) and None


def _adapt_kliep(d, job):
    from adapt.instance_based import KLIEP
    from sklearn.linear_model import LogisticRegression

    model = KLIEP(LogisticRegression(), kernel="rbf", gamma=[job["gamma"]], verbose=0, random_state=0)
    return lambda: np.asarray(model.fit_weights(d["Xs"], d["Xt"]))


def _ours_kmm_fit(d, job):
    from landbridge.instance import kmm_weights

    return lambda: kmm_weights(d["Xs"], d["Xt"], gamma=job["gamma"], random_state=0) and None


JOBS = more_jobs.JOBS | {
    ("landbridge", "TCA"): _ours_tca,
    ("skada", "TCA"): _skada_tca,
    ("adapt", "TCA"): _adapt_tca,
    ("landbridge", "KMM"): _ours_kmm,
    ("skada", "KMM"): _skada_kmm,
    ("adapt", "KMM"): _adapt_kmm,
    ("landbridge", "CORAL"): _ours_coral,
    ("skada", "CORAL"): _skada_coral,
    ("adapt", "CORAL"): _adapt_coral,
    ("landbridge", "KLIEP"): _ours_kliep,
    ("skada", "KLIEP"): _skada_kliep,
    ("adapt", "KLIEP"): _adapt_kliep,
    ("landbridge", "Nystroem TCA"): _ours_nystroem,
    ("landbridge", "KMM, low rank"): _ours_kmm_fit,
}

if __name__ == "__main__":
    main()
