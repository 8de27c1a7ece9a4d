"""Diagnosis: which kind of shift explains the difference between two domains, and the risk of transfer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from landbridge.discrepancy._concept import concept_gap
from landbridge.discrepancy._coral_distance import coral_distance
from landbridge.discrepancy._diagnosis import SHIFTS, Diagnosis
from landbridge.discrepancy._domain_classifier import balanced_error, cross_fitted_domain, whitened_classifier
from landbridge.discrepancy._kinds import all_kinds, meaning_of_concept
from landbridge.discrepancy._label_shift import measure_fit, measure_priors
from landbridge.discrepancy._mmd import mixture_kernel, permuted_mmd2, weighted_mmd2
from landbridge.discrepancy._posterior import Posterior, cross_fit_posterior, kernel_classifier
from landbridge.discrepancy._proxy_a_distance import distance_from_probabilities
from landbridge.discrepancy._samples import within_scale
from landbridge.discrepancy._share_profile import ShareProfile, profile_shares
from landbridge.discrepancy._sliced_wasserstein import sliced_wasserstein
from landbridge.discrepancy._subspace_distance import subspace_distance
from landbridge.discrepancy._words import contradicted, in_words
from landbridge.domain import Domain
from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.numerics.grouping import common_codes, shuffle_groups
from landbridge.numerics.kernels import median_gamma
from landbridge.numerics.moved_features import MovedFeature, moved_features
from landbridge.numerics.resampling import permutation_p_value, random_generator, subsample

__all__ = ["diagnose"]

# A repair "explains" a difference if it removes this share of it. Pure label shift reaches 0.9 to 1.0 and other
# shifts stay below 0.8, from a severity that can be seen at all.
EXPLAINED = 0.85
# More features or classes would cost minutes and add no information.
WIDEST = 256
MOST_CLASSES = 50
# A rotation of subspaces that misses less of the variance than this is no shift, however significant.
BLIND = 0.05
# A target sample whose density ratio exceeds this has no support in the source.
HEAVIEST = 50.0
# Features are collinear if no larger share of their principal directions holds 99 % of the variance: then directions of
# little variance are looked at as well.
COLLINEAR = 0.5
# A classifier on whitened components counts if it is better than that on kernel features by this much.
CLEARLY = 0.05
# The fewest samples per domain with which a permutation test can reach its level of 1 %: of 5 + 5 samples there are
# 252 splits, of 4 + 4 only 70. It is also one sample per fold of the domain classifier's cross-validation.
FEWEST_SAMPLES = 5
# Samples per domain of the share profile.
PROFILE_SAMPLES = 400
# With more classes than this their shares would take many descents, and have too few samples.
MOST_PROFILED = 10


def diagnose(
    source: Domain,
    target: Domain,
    *,
    task: str | None = None,
    n_permutations: int = 200,
    n_bootstrap: int = 100,
    max_samples: int = 1500,
    random_state: Any = None,
) -> Diagnosis:
    """Diagnose dataset shift: its kind, its strength and the risk of plain transfer.

    Each kind of shift has a repair that is right for it and for nothing else. The evidence for a kind is the share of
    the difference (squared MMD, and a classifier's advantage) that its repair removes:

    * ``"label"``: weights by class, with the target's class shares estimated from unlabelled samples;
    * ``"covariate"``: weights by sample, from a domain classifier on the features and their squares, times the share of
      target samples that the source supports at all;
    * ``"concept"``: per-domain standardisation of every feature. A domain that was moved or rescaled as a whole no
      longer means the same by the same values, so that P(y | x) has changed. If labelled target samples are there,
      their errors under a source model, beyond those expected and those of a model of their own, count as well;
    * ``"subspace"``: twice the variance that each domain's leading directions miss in the other, halved if the total
      variance has changed by more than half.

    The simplest sufficient explanation is chosen, in the order label, covariate, concept, subspace; if none is
    sufficient, the one with most evidence. A small translation that stays among the source's samples is thereby called
    covariate: unlabelled samples cannot distinguish the two. ``"none"`` means that no difference was found: a change of
    P(y | x) alone cannot be seen without target labels.

    Class shares and features can change together. :func:`share_profile` says whether other class shares are needed
    beside a scale and an offset of each feature; ``"label"`` then joins the kind in `kinds`. Beside covariate shift it
    does if two estimates of the target's class shares, one for each kind alone, are both at least 0.15 from those of
    the source (total variation). Features that alone were multiplied or moved, as by another unit, are named in
    `columns`.

    Parameters
    ----------
    source, target : Domain
        With the same features. Label shift needs source labels. Target labels are used only for "concept".
    task : {"classification", "regression"}, optional
        If None, it is inferred from the source labels; numbers with more than 50 different values make a regression.
        Label shift is for classification with at most 50 classes.
    n_permutations : int, default=200
        For the p-values.
    n_bootstrap : int, default=100
        For the intervals.
    max_samples : int, default=1500
        Larger domains are reduced to this many samples each; `words` says so.
    random_state : int, RandomState or None, default=None
        Seeds every test in it; an int gives the same diagnosis every time.

    Returns
    -------
    Diagnosis

    Raises
    ------
    InputError
        If the numbers of features differ, or a domain has fewer than 5 samples: a permutation test of 4 + 4 samples
        cannot reach its level of 1 %.

    Notes
    -----
    Risk is **high** if labelled target samples contradict the source model (evidence for concept of 0.3 or more), if
    label shift of 0.25 or more (total variation) explains the difference, since alignment then mixes the
    classes; if the accuracy of a domain classifier is 90 % under covariate shift or 80 % under concept or subspace
    shift; or if the error of a source model on the source itself is three quarters of chance or more. It is
    **moderate** under any lesser label, concept or subspace shift, under covariate shift with a domain
    classifier of 70 % accuracy, or if the source error is half of chance or more. Else it is **low**.

    Samples wider than 256 features are brought to the 256 leading directions of both domains together. Time is that of
    about 30 small logistic regressions and three products of a kernel matrix with n_permutations features; memory that
    of one kernel matrix of at most 2 max_samples samples (72 MB at the default), a second one for a moment.

    Examples
    --------
    >>> from landbridge.data import make_shift
    >>> from landbridge.discrepancy import diagnose
    >>> source, target = make_shift("label", random_state=0)
    >>> d = diagnose(source, target.without_labels(), random_state=0)
    >>> d.kind, d.evidence["label"] > 0.8
    ('label', True)
    """
    if source.X.shape[1] != target.X.shape[1]:
        raise InputError(
            f"target has {target.X.shape[1]} columns but source has {source.X.shape[1]}; give both the same columns."
        )
    for name, domain in (("source", source), ("target", target)):
        if len(domain) < FEWEST_SAMPLES:
            raise InputError(
                f"{name} has {len(domain)} sample{'' if len(domain) == 1 else 's'}; "
                f"a diagnosis needs at least {FEWEST_SAMPLES} samples per domain."
            )
    rng = random_generator(random_state)
    pair = _prepare(source, target, task, max_samples, rng)
    found = _measure_difference(pair, n_permutations, n_bootstrap, rng)
    m, evidence = found.measurements, dict.fromkeys(SHIFTS, 0.0)
    if pair.codes is not None:
        _measure_label_shift(pair, found, n_permutations, n_bootstrap, rng)
    if found.differs:
        if "label_shift_fit" in m:
            evidence["label"] = _label_evidence(m, n_permutations)
        _measure_repairs(pair, found, evidence, rng)
    if found.posterior is not None and len(pair.labelled) >= 5:
        m["concept_gap"] = concept_gap(
            found.posterior,
            found.shares(evidence),
            pair.Xt[pair.labelled],
            pair.labelled,
            pair.labelled_codes,
            rng,
            None if pair.sides is None else pair.sides[1][pair.labelled],
        )
        if _p(m["concept_gap"]) <= 0.01:
            evidence["concept"] = max(evidence["concept"], min(m["concept_gap"].value, 1.0))
    kind = _choose(evidence, found)
    risk = _risk(kind, m)
    evidence = {k: float(np.clip(v, 0.0, 1.0)) for k, v in evidence.items()}
    profile = _profile(pair, rng) if kind != "none" else None
    kinds, concept = all_kinds(kind, profile, found.posterior, m), meaning_of_concept(kind, m)
    columns = _named(source, _moved(pair, profile)) if found.differs else {}
    words = in_words(
        kind,
        risk,
        evidence,
        m,
        (pair.used, (len(source), len(target))),
        kinds=kinds,
        profile=profile,
        columns=columns,
        counted=_counted_shares(source, target) if pair.codes is not None else None,
    )
    return Diagnosis(kind, risk, words, evidence, m, kinds, concept, columns, profile)


def _counted_shares(source: Domain, target: Domain) -> dict[str, tuple[float, float]]:
    """Share of each class in source and target by their labels; empty unless all target samples are labelled."""
    if source.y is None or target.y is None or not target.labelled.all():
        return {}
    one, two = ([str(v) for v in np.asarray(y).tolist()] for y in (source.labelled_part().y, target.y))
    if not set(one) & set(two):
        return {}  # written differently
    classes = sorted(set(one) | set(two))
    return {c: (one.count(c) / len(one), two.count(c) / len(two)) for c in classes}


@dataclass
class _Pair:
    """Samples as the measurements use them: dense, on one scale, of bounded number and width."""

    Xs: NDArray[np.float64]
    Xt: NDArray[np.float64]
    classes: NDArray[Any] | None
    codes: NDArray[np.intp] | None
    labelled: NDArray[np.intp]
    labelled_codes: NDArray[np.intp]
    variance_ratio: float
    groups: NDArray[np.intp] | None
    raw: tuple[NDArray[np.float64], NDArray[np.float64]]

    @property
    def used(self) -> tuple[int, int]:
        return len(self.Xs), len(self.Xt)

    @property
    def n_groups(self) -> tuple[int, int]:
        """Number of groups of each domain; of samples without groups."""
        sides = self.sides
        return self.used if sides is None else (len(np.unique(sides[0])), len(np.unique(sides[1])))

    @property
    def sides(self) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """Groups of source and target samples."""
        return None if self.groups is None else (self.groups[: len(self.Xs)], self.groups[len(self.Xs) :])


@dataclass
class _Found:
    """Measurements taken so far."""

    K: NDArray[np.float64]
    p_linear: NDArray[np.float64]
    raw_error: float
    differs: bool
    measurements: dict[str, Measurement] = field(default_factory=dict)
    posterior: Posterior | None = None
    target_shares: NDArray[np.float64] | None = None

    def shares(self, evidence: dict[str, float]) -> NDArray[np.float64]:
        assert self.posterior is not None and self.target_shares is not None
        return self.target_shares if evidence["label"] >= EXPLAINED else self.posterior.priors


def _prepare(source: Domain, target: Domain, task: str | None, max_samples: int, rng: np.random.RandomState) -> _Pair:
    labels = None if source.y is None or not source.labelled.any() else source.labelled_part()
    if labels is not None and len(labels) < FEWEST_SAMPLES:
        labels = None  # too few for a class model; the features can still be compared
    if labels is not None and task is None:
        task = "classification" if _are_classes(labels.y) else "regression"
    classes = codes = None
    if labels is not None and task == "classification" and 2 <= len(np.unique(labels.y)) <= MOST_CLASSES:
        # Unlabelled source samples say nothing about classes: where there are labels, only labelled ones are used.
        source = labels
        classes, codes = np.unique(source.y, return_inverse=True)
    rows = subsample(len(source), max_samples, rng, codes)
    rows_t = subsample(len(target), max_samples, rng)
    Xs, Xt = (_dense(d.X[r]) for d, r in ((source, rows), (target, rows_t)))
    # in the units the samples came in: on a common scale a feature that grew and one that shrank would cancel
    variance_ratio = float(Xt.var(axis=0).sum()) / max(float(Xs.var(axis=0).sum()), float(np.finfo(float).tiny))
    raw = Xs, Xt
    scale = within_scale(Xs, Xt)
    centre = (Xs.mean(axis=0) + Xt.mean(axis=0)) / 2
    Xs, Xt = (Xs - centre) / scale, (Xt - centre) / scale
    if Xs.shape[1] > WIDEST:
        _, _, V = randomized_svd(np.concatenate([Xs, Xt]), WIDEST, n_iter=2, random_state=rng)
        Xs, Xt = Xs @ V.T, Xt @ V.T
    labelled, labelled_codes = np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    if codes is not None:
        codes = codes[rows]
        # a class may have lost all its samples to the draw only if there are more classes than samples
        present, codes = np.unique(codes, return_inverse=True)
        classes = np.asarray(classes)[present]
        labelled, labelled_codes = _labelled_target(target, rows_t, classes)
    drawn = [None if d.groups is None else d.groups[r] for d, r in ((source, rows), (target, rows_t))]
    numbered = common_codes(drawn, (len(Xs), len(Xt)))
    groups = None if numbered is None else np.concatenate(numbered)
    return _Pair(Xs, Xt, classes, codes, labelled, labelled_codes, variance_ratio, groups, raw)


def _labelled_target(target: Domain, rows: NDArray[np.intp], classes: NDArray[Any]) -> tuple[NDArray, NDArray]:
    """Return the positions, among the drawn samples, of labelled target samples of known classes."""
    if target.y is None:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    number = {label: i for i, label in enumerate(classes.tolist())}
    y = target.y[rows].tolist()
    known = [(i, number[v]) for i, v in enumerate(y) if target.labelled[rows[i]] and v in number]
    labelled = np.array(known, dtype=np.intp).reshape(-1, 2)
    return labelled[:, 0], labelled[:, 1]


def _measure_difference(pair: _Pair, n_permutations: int, n_bootstrap: int, rng: np.random.RandomState) -> _Found:
    Xs, Xt = pair.Xs, pair.Xt
    n, m = pair.used
    gamma = median_gamma(Xs, Xt, random_state=rng)
    K = mixture_kernel(np.concatenate([Xs, Xt]), gammas=[gamma])
    member = np.repeat([1.0, 0.0], [n, m])
    value = float(weighted_mmd2(K, member, 1 - member))
    shuffled = np.stack([shuffle_groups(member, pair.groups, rng) for _ in range(max(n_permutations, 1))], axis=1)
    draws = permuted_mmd2(K, shuffled) if pair.groups is None else weighted_mmd2(K, shuffled, 1 - shuffled)
    measured = {
        "mmd": Measurement(
            "mmd",
            value,
            null=float(draws.mean()),
            p_value=permutation_p_value(value, draws),
            higher_is_better=False,
            details={"gamma": gamma, "n_samples": [n, m]},
        )
    }
    groups = pair.groups
    p_linear = cross_fitted_domain(Xs, Xt, rng, groups=groups)
    measured["proxy_a_distance"] = distance_from_probabilities(p_linear, n, rng, n_bootstrap=n_bootstrap, groups=groups)
    curved = kernel_classifier(int(rng.randint(2**31 - 1)), C=1.0)
    p_kernel = cross_fitted_domain(Xs, Xt, rng, domain_classifier=curved, groups=groups)
    error, name = balanced_error(p_kernel, n), "logistic regression on kernel features"
    collinear = _collinear(Xs)
    if collinear <= COLLINEAR:
        # random numbers of its own, so that what follows does not depend on it
        folds, whitened = np.random.RandomState(n + m), whitened_classifier(n + m, Xs.shape[1])
        p_whitened = cross_fitted_domain(Xs, Xt, folds, domain_classifier=whitened, groups=groups)
        if balanced_error(p_whitened, n) < error - CLEARLY:
            error, name = balanced_error(p_whitened, n), "logistic regression on whitened components"
    details = {"classifier": name, "collinear": collinear}
    measured["domain_accuracy"] = Measurement("domain_accuracy", 1 - error, null=0.5, details=details)
    measured["subspace_distance"] = subspace_distance(
        Xs, Xt, n_permutations=n_permutations, max_samples=None, groups=groups, random_state=rng
    )
    bootstraps = n_bootstrap if Xs.shape[1] <= 64 else 0
    measured["coral_distance"] = coral_distance(
        Xs, Xt, n_bootstrap=bootstraps, max_samples=None, groups=groups, random_state=rng
    )
    measured["sliced_wasserstein"] = sliced_wasserstein(
        Xs, Xt, n_bootstrap=n_bootstrap // 4, max_samples=None, groups=groups, random_state=rng
    )
    raw_error = balanced_error(p_linear, n)
    level = _significance_level(n_permutations)
    # three standard errors of a balanced accuracy
    seen = min(error, raw_error) < 0.5 - 1.5 * np.sqrt(0.25 * sum(1 / k for k in pair.n_groups))
    turned = measured["subspace_distance"]
    differs = _p(measured["mmd"]) <= level or seen or (_p(turned) <= level and turned.value >= BLIND)
    return _Found(K, p_linear, raw_error, bool(differs), measured)


def _collinear(X: NDArray[np.float64]) -> float:
    """Return the share of principal directions that hold 99 % of the variance: small where features are one curve."""
    variances = np.linalg.svd(X - X.mean(axis=0), compute_uv=False) ** 2
    total = float(variances.sum())
    if total <= 0:
        return 1.0
    return float(1 + np.searchsorted(np.cumsum(variances), 0.99 * total)) / X.shape[1]


def _measure_label_shift(
    pair: _Pair, found: _Found, n_permutations: int, n_bootstrap: int, rng: np.random.RandomState
) -> None:
    assert pair.codes is not None and pair.classes is not None
    posterior = cross_fit_posterior(pair.Xs, pair.codes, pair.Xt, rng, groups=pair.sides)
    m = found.measurements
    draws = max(n_permutations // 2, 1)
    m["label_shift"] = measure_priors(
        posterior, pair.classes, rng, n_permutations=draws, n_bootstrap=n_bootstrap, groups=pair.sides
    )
    found.posterior = posterior
    found.target_shares = np.array(m["label_shift"].details["target_priors"])
    chance = 1 - posterior.priors.max()
    of_balanced = {"balanced_error": posterior.balanced_error, "balanced_chance": 1 - 1 / len(posterior.priors)}
    details = {"chance": float(chance), "model": posterior.model, **of_balanced}
    m["source_error"] = Measurement(
        "source_error", posterior.error, null=float(chance), higher_is_better=False, details=details
    )
    if found.differs or _p(m["label_shift"]) <= _significance_level(draws):
        m["label_shift_fit"] = measure_fit(
            pair.Xs,
            pair.Xt,
            found.K,
            posterior,
            found.target_shares,
            found.raw_error,
            rng,
            n_permutations=draws,
            groups=pair.groups,
        )


def _label_evidence(m: dict[str, Measurement], n_permutations: int) -> float:
    """Return the explained share, halved unless the shift is significant and the misfit is not."""
    shift, fit = m["label_shift"], m["label_shift_fit"]
    certain = _p(shift) <= _significance_level(n_permutations // 2)
    fits = _p(fit) > 2 * _significance_level(n_permutations // 2) or fit.value >= 0.95
    return fit.value * (1.0 if certain and fits else 0.5)


def _measure_repairs(pair: _Pair, found: _Found, evidence: dict[str, float], rng: np.random.RandomState) -> None:
    Xs, Xt, m = pair.Xs, pair.Xt, found.measurements
    n, k = pair.used
    before = m["mmd"].value
    member = np.repeat([1.0, 0.0], [n, k])

    # Weights that rise and fall with the features and their squares, no more: a flexible enough density ratio turns
    # any distribution into any other that overlaps it, a moved one included, and would explain nothing.
    squares_s, squares_t = (np.hstack([X, np.minimum(X**2, 25.0)]) for X in (Xs, Xt))
    curved = cross_fitted_domain(squares_s, squares_t, rng, groups=pair.groups)
    evidence["covariate"], details = -1.0, {}
    for p in (found.p_linear, curved):
        odds = np.clip(p, 1e-6, 1.0) / np.clip(1 - p, 1e-6, 1.0)
        weights = np.minimum(odds[:n], HEAVIEST)
        after = float(weighted_mmd2(found.K, np.append(weights, np.zeros(k)), 1 - member))
        supported = float((odds[n:] < HEAVIEST).mean())
        effective = float(weights.sum() ** 2 / (weights**2).sum())
        share = _removed(before, after) * supported * min(1.0, effective / 10)
        if share > evidence["covariate"]:
            evidence["covariate"] = share
            details = {"mmd_after": after, "effective_samples": effective, "supported_target_samples": supported}
    m["explained_by_row_weights"] = Measurement("explained_by_row_weights", evidence["covariate"], details=details)

    Zs, Zt = ((X - X.mean(axis=0)) / within_scale(X, X) for X in (Xs, Xt))
    K = mixture_kernel(np.concatenate([Zs, Zt]), gammas=[median_gamma(Zs, Zt, random_state=rng)])
    after = float(weighted_mmd2(K, member, 1 - member))
    share = _removed(before, after)
    evidence["concept"] = share
    moved = (Xs - Xs.mean(axis=0), Xt - Xt.mean(axis=0))
    K = mixture_kernel(np.concatenate(moved), gammas=[m["mmd"].details["gamma"]])
    centring = _removed(before, float(weighted_mmd2(K, member, 1 - member)))
    details = {"mmd_after": after, "by_centring": centring}
    m["explained_by_standardising"] = Measurement("explained_by_standardising", share, details=details)
    turned = m["subspace_distance"]
    alike = 1 / 1.5 <= pair.variance_ratio <= 1.5
    real = _p(turned) <= 0.05
    evidence["subspace"] = min(2 * turned.value, 1.0) * (1.0 if alike else 0.5) * real


def _profile(pair: _Pair, rng: np.random.RandomState) -> ShareProfile | None:
    """Profile the class shares of the target; None without classes, or with too few samples of one."""
    if pair.codes is None or pair.classes is None:
        return None
    rows = subsample(len(pair.codes), PROFILE_SAMPLES, rng, pair.codes)
    counts = np.bincount(pair.codes[rows], minlength=len(pair.classes))
    if counts.min() < 2 or len(counts) > MOST_PROFILED:
        return None
    drawn = subsample(len(pair.Xt), PROFILE_SAMPLES, rng)
    return profile_shares(pair.Xs[rows], pair.codes[rows], pair.Xt[drawn], pair.classes, rng)


def _moved(pair: _Pair, profile: ShareProfile | None) -> tuple[MovedFeature, ...]:
    """Find moved features, with the source at the class shares of the target where those are known."""
    moved = moved_features(*pair.raw)
    if not moved or profile is None or pair.codes is None or not (profile.shares_moved and profile.identified):
        return moved
    weights = np.array(profile.hypotheses["map and shares"].shares) / np.bincount(pair.codes)
    return moved_features(*pair.raw, source_weights=weights[pair.codes]) or moved


def _named(source: Domain, moved: tuple[MovedFeature, ...]) -> dict[str, MovedFeature]:
    names = source.columns
    return {str(f.index) if names is None else str(names[f.index]): f for f in moved}


def _removed(before: float, after: float) -> float:
    return float(np.clip(1 - max(after, 0.0) / before, 0.0, 1.0)) if before > 0 else 0.0


def _choose(evidence: dict[str, float], found: _Found) -> str:
    m = found.measurements
    if not found.differs:
        return "concept" if contradicted(m) else "none"
    if evidence["label"] >= EXPLAINED:
        return "label"
    if evidence["covariate"] >= EXPLAINED and not contradicted(m):
        return "covariate"
    # variance that went from some features to others looks like a rescaling of each: a turn, if the sum is as before
    turned = evidence["subspace"] >= 0.5 and m["explained_by_standardising"].details["by_centring"] < 0.5
    if evidence["concept"] >= EXPLAINED and not turned:
        return "concept"
    best = max(("covariate", "concept", "subspace"), key=evidence.__getitem__)
    if turned and best == "concept":
        best = "subspace"
    return best if evidence[best] > 0 else "covariate"


def _risk(kind: str, m: dict[str, Measurement]) -> str:
    accuracy = max(m["proxy_a_distance"].details["accuracy"], m["domain_accuracy"].value)
    error = m["source_error"].value / max(m["source_error"].details["chance"], 1e-12) if "source_error" in m else 0.0
    if (
        contradicted(m)
        or (kind == "label" and m["label_shift"].value >= 0.25)
        or (kind == "covariate" and accuracy >= 0.9)
        or (kind in ("concept", "subspace") and accuracy >= 0.8)
        or error >= 0.75
    ):
        return "high"
    if kind in ("label", "concept", "subspace") or (kind == "covariate" and accuracy >= 0.7) or error >= 0.5:
        return "moderate"
    return "low"


def _p(measurement: Measurement) -> float:
    """Return the p-value; 1 if there is none, so that nothing is significant without one."""
    return 1.0 if measurement.p_value is None else measurement.p_value


def _significance_level(n_permutations: int) -> float:
    """Return the significance level: 0.01, or the smallest that this number of permutations can reach."""
    return max(0.01, 1.0 / (n_permutations + 1))


def _are_classes(y: NDArray[Any]) -> bool:
    return y.dtype.kind in "OSUb" or bool(np.all(y == np.floor(y)) and len(np.unique(y)) <= MOST_CLASSES)


def _dense(X: Any) -> NDArray[np.float64]:
    return X.toarray().astype(np.float64) if sparse.issparse(X) else np.asarray(X, dtype=np.float64)
