import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from landbridge import Domain, Measurement, load_result, transfer
from landbridge.data import Column, Inspection, load_builtin, make_shift
from landbridge.data import SideFacts as Side
from landbridge.exceptions import InputError
from landbridge.guard import MajorityVote
from landbridge.report import write_report
from landbridge.report._again import call, command

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def result():
    source, target = make_shift("translation", n_source=80, n_target=80, random_state=0)
    names = np.array([EVIL, "well"])
    source = source.replace(y=names[source.y], name=EVIL)
    target = target.replace(y=names[target.y])
    return transfer(source, target, target_labels="hide", methods=["CORAL", "DomainScaler", "GFK", "TCA"])


def _text(result, tmp_path, name="r.html"):
    return write_report(result, tmp_path / name).read_text(encoding="utf-8")


def test_it_tells_everything(result, tmp_path):
    text = _text(result, tmp_path)
    for word in (
        "What to do next",
        "Your data",
        "When:",
        "What:",
        "How:",
        "Check:",
        "Details",
        result.decision.chosen,
        "CORAL",
        "hidden target labels",
        'role="img"',
    ):
        assert word in text
    assert text.count("<svg") >= 3 and "landbridge.transfer(" in text


def test_names_are_text_never_markup(result, tmp_path):
    text = _text(result, tmp_path)
    assert EVIL not in text and "&lt;script&gt;" in text
    assert "<script" not in text


def test_it_needs_nothing_from_outside(result, tmp_path):
    text = _text(result, tmp_path)
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:|#)""", text)
    assert "url(http" not in text and "@import" not in text
    assert "default-src 'none'" in text


def test_same_result_same_bytes(result, tmp_path):
    assert _text(result, tmp_path, "a.html") == _text(result, tmp_path, "b.html")


def test_refusals_regression_images_and_loaded_results(result, tmp_path):
    refused = replace(result, decision=replace(result.decision, transferred=False, chosen="source-only", reason="No."))
    assert "Not transferred: source-only is kept." in _text(refused, tmp_path)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    told = transfer((X, X[:, 0]), (X * 2 + 4, X[:, 0]), target_labels="hide", methods=["CORAL", "DomainScaler"])
    assert "R²" in _text(told, tmp_path)
    digits = load_builtin("handwritten").take(np.arange(120))
    seen = transfer(digits, Domain(digits.X[::-1] * 0.5, kind="images", image_shape=(8, 8)), methods=["DomainScaler"])
    assert "data:image/png;base64," in _text(seen, tmp_path)
    result.save(tmp_path / "saved")
    assert "Before and after" not in _text(load_result(tmp_path / "saved"), tmp_path)


class _Told:
    """A method that says how much rows and sources counted."""

    def __init__(self, rows, sources=None):
        self.row_weights_ = np.asarray(rows)
        if sources is not None:
            self.sources_, self.source_weights_ = ("web", 7), np.asarray(sources)


class _Classes:
    """A method that weighs classes."""

    def __init__(self, weights):
        self.weights_ = np.asarray(weights)


class _Run:
    """A network, as far as the report looks at it."""

    def __init__(self, model, *methods):
        self.model, self.methods, self.methods_, self.classes_ = model, methods, methods, model.classes_

    def predict(self, X):
        return self.model.predict(X)


def _fresh(result, **parts):
    """The result of a network that was trained with what is given, in place of the result's own model."""
    run = _Run(result.model, *parts.pop("methods", ()))
    vars(run).update(parts)
    decision = replace(result.decision, chosen="Attentive")
    return replace(result, model=run, decision=decision, source=None, target=None)


def test_rows_and_sources_that_counted_most_are_named(result, tmp_path):
    weights = np.full(40, 1.0)
    weights[[3, 5]] = 4.25, 0.125
    text = _text(_fresh(result, methods=[_Told(weights, [1.5, 0.5]), _Classes([1.0, 0.25])]), tmp_path)
    assert "Of the sources, source web has the largest weight and source 7 the smallest." in text
    assert re.search(
        r"source 7</span><i class=\"gauge\" aria-hidden=\"true\"><b style=\"width:33.3%\"></b></i><span>0.50<", text
    )
    rows = re.findall(r'<th scope="row">(\d+)</th><td class="n">([\d.]+)<', text)
    assert len(rows) == 10 and rows[0] == ("3", "4.25") and rows[-1] == ("5", "0.12")
    assert "30 samples between" in text and "Of the 40 samples, 2 % have a weight below 0.5" in text
    assert "class well</span>" in text and EVIL not in text  # of classes, too


def test_labels_stand_beside_the_rows_where_they_are_known(result, tmp_path):
    n = len(result.source)
    told = replace(_fresh(result, methods=[_Told(np.arange(n) / n)]), source=result.source)
    text = _text(told, tmp_path)
    last = str(result.source.y[n - 1]).replace("<", "&lt;").replace(">", "&gt;")
    assert f'<th scope="row">{n - 1}</th><td>{last}</td>' in text
    wrong = replace(told, model=_Run(result.model, _Told(np.ones(n - 1))))
    assert '<th scope="col">Label</th>' not in _text(wrong, tmp_path)


def test_a_mean_of_runs_says_how_far_they_agree(result, tmp_path):
    runs = [_Run(result.model, _Told([2.0, 0.0])), _Run(result.model, _Told([1.0, 1.0]))]
    mean = {"estimators_": runs, "agreement_": 0.914, "collapsed_": ["run 2: all is one class."]}
    text = _text(_fresh(result, **mean, estimator=runs[0]), tmp_path)
    assert "Mean of 2 runs that agree on 91 % of the samples. Collapsed: run 2: all is one class." in text
    assert re.findall(r'<th scope="row">\d</th><td class="n">([\d.]+)<', text) == ["1.50", "0.50"]


def test_parts_of_a_member_of_the_vote_are_not_taken_for_members(result, tmp_path):
    both = _Run(result.model, _Told([2.0, 0.0]), _Classes([1.0, 0.5]))
    names = ["source-only", "_Told + _Classes"]
    vote = MajorityVote([result.model, both], [1.0, 1.0], names).fit(result.target.X)
    text = _text(replace(_fresh(result), model=vote), tmp_path)
    assert '<th scope="row">_Told of _Told + _Classes</th>' in text and "<h3>_Classes of _Told + _Classes</h3>" in text
    assert "The vote of" not in text  # two members are few enough to be shown at once


def test_what_is_not_known_any_more_is_passed_over(result, tmp_path):
    loaded = _fresh(result)
    del loaded.model.methods_
    assert "largest weight" not in _text(loaded, tmp_path)
    assert "largest weight" not in _text(result, tmp_path)
    assert "largest weight" not in _text(_fresh(result, methods=[_Told([1.0]), _Classes([1.0])]), tmp_path)


def test_pictures_follow_the_page_and_speak(result, tmp_path):
    text = _text(result, tmp_path)
    assert "var(--source)" in text and "var(--mark)" in text and "#01020" not in text
    assert text.count("<title id=") == text.count("<desc id=") == text.count('role="img"') == 4
    names = re.findall(r'\bid="([^"]+)"', text)
    assert len(names) == len(set(names)), "a name may occur once in a page"
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    assert used <= set(names), "what is pointed at must be there"


def test_matplotlib_is_left_as_it_was(result, tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    _text(result, tmp_path)
    assert dict(matplotlib.rcParams) == before


def test_intervals_can_be_read_and_not_only_seen(result, tmp_path):
    text = _text(result, tmp_path)
    m = result["CORAL"].hidden
    assert f"{100 * m.low:.1f} to {100 * m.high:.1f}" in text


@pytest.mark.parametrize(("low", "says"), [(0.9, "do not use this model"), (0.1, "it may be chance")])
def test_hidden_labels_that_speak_against_the_verdict_are_not_passed_over(result, tmp_path, low, says):
    def scored(name, value, low, high):
        kept = result.candidates[0] if name == "source-only" else result[result.decision.chosen]
        return replace(kept, name=name, hidden=Measurement("accuracy", value, low=low, high=high))

    chosen = result.decision.chosen
    worse = (scored("source-only", 0.95, low, 1.0), scored(chosen, 0.5, 0.4, 0.6))
    decision = replace(result.decision, transferred=True)
    text = _text(replace(result, candidates=worse, decision=decision), tmp_path)
    assert "The hidden labels contradict the decision" in text and says in text and "45.0 points below" in text
    assert "contradict the decision" not in _text(result, tmp_path)


def test_the_chosen_one_leads_the_table(result, tmp_path):
    rows = re.findall(r'<th scope="row" class="name">([^<]+)<', _text(result, tmp_path))
    assert rows[0] == result.decision.chosen and rows[1] == "source-only"


def test_how_to_reproduce_can_be_pasted():
    settings = {"label": "it's $HOME", "methods": ["CORAL"], "target_labels": "hide", "confidence": 0.8}
    words = shlex.split(command(settings))
    assert words[words.index("--label") + 1] == "it's $HOME" and words[words.index("--confidence") + 1] == "0.8"
    built = {"methods": ["TCA(mu=2)", "CORAL"], "estimator": "SVC(C=3)"}
    assert call(built) == "landbridge.transfer(source, target, methods=[TCA(mu=2), 'CORAL'], estimator=SVC(C=3))"
    assert command(built) == ""
    told = {"label": "ill", "sources": "the ward"}
    assert call(told) == "landbridge.transfer(source, target, label='ill', sources='the ward')"
    assert command(told) == "landbridge transfer SOURCE TARGET --label ill --sources 'the ward'"


def test_too_many_classes_are_said_and_not_drawn(result, tmp_path):
    scores = {**result.scores, "confusion": {"n_classes": 33}}
    assert "33 classes are too many to show" in _text(replace(result, scores=scores), tmp_path)


def test_where_it_is_written(result, tmp_path):
    assert write_report(result, tmp_path / "new" / "folder").name == "report.html"
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(InputError, match=r"does not end in \.html"):
        write_report(result, tmp_path / "file.txt")


def test_scores_and_notes_are_shown(result, tmp_path):
    noted = replace(result, settings={**result.settings, "notes": ["Samples look like repeats."]})
    text = _text(noted, tmp_path)
    for word in ("Samples look like repeats.", "AUC", "sensitivity", "specificity", "Brier score", "(10 bins)"):
        assert word in text


def test_errors_are_shown_with_their_name_and_never_in_points(tmp_path):
    X = np.random.default_rng(0).normal(size=(80, 3))
    found = transfer(
        (X[:40], X[:40, 0]), (X[40:], X[40:, 0]), methods=["CORAL"], n_jobs=1, scoring="neg_mean_absolute_error"
    )
    text = _text(found, tmp_path)
    assert "neg_mean_absolute_error" in text and "RMSE" in text and "MAE" in text
    assert "points" not in found.decision.reason and "In percent" not in text


def _page(result, tmp_path):
    return write_report(result, tmp_path / "made.html").read_text(encoding="utf-8")


def test_the_order_of_the_page(make, tmp_path):
    text = _page(make(12), tmp_path)
    heads = re.findall(r'<h2 id="([\w-]+)"', text)
    assert heads == ["expected", "next", "data", "when", "what", "candidates", "scores", "again"]
    assert text.index('class="lead"') < text.index('id="expected"') and "p &lt; 0.001" in text


def test_the_page_can_be_read_by_everyone(make, tmp_path):
    text = _page(make(12), tmp_path)
    assert (
        text.count("<h1") == 1 and '<html lang="en">' in text and 'href="#main"' in text and '<main id="main"' in text
    )
    assert text.count("<table") == text.count("<caption>") and "<th>" not in text
    assert len(re.findall(r'<div class="scroll" tabindex="0" role="region" aria-label="[^"]', text)) == text.count(
        "<table"
    )
    for need in ("prefers-color-scheme:dark", "@media print", ":focus-visible", "break-inside:avoid"):
        assert need in text


def _contrast(one, other):
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_colours_have_enough_contrast_in_both_themes(make, tmp_path):
    text = _page(make(), tmp_path)
    for theme in re.findall(r":root\{(.*?)\}", text)[:2]:
        colours = dict(re.findall(r"--([\w-]+):(#\w+)", theme))
        colours = {k: "#" + "".join(c * 2 for c in v[1:]) if len(v) == 4 else v for k, v in colours.items()}
        for ground in ("card", "page"):
            for ink in ("ink", "soft", "yes", "no", "bad", "source"):
                assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
            for line in ("axis", "base", "mark", "source", "focus"):
                assert _contrast(colours[line], colours[ground]) >= 3, (line, ground)
        for ink, ground in (("yes", "yes-bg"), ("no", "no-bg"), ("bad", "bad-bg")):
            assert _contrast(colours[ink], colours[ground]) >= 4.5
            assert _contrast(colours["ink"], colours[ground]) >= 4.5


def test_odd_names_everywhere_are_text(make, with_inspection, tmp_path):
    odd = EVIL + "x" * 300 + " عمر المريض 🙂\ud800"
    result = make()
    scores = {
        **result.scores,
        "positive": odd,
        "confusion": {"n_classes": 2, "classes": [odd, "b"], "counts": [[1, 2], [3, 4]]},
    }
    rows = [
        {"value": odd, "n": 5, "score": 0.5, "low": 0.1, "high": 0.9},
        {"value": "b", "n": 5, "score": 1, "low": 0, "high": 1},
    ]
    scores["subgroups"] = [{"name": odd, "metric": "accuracy", "n_subgroups": 2, "rows": rows}]
    scores["calibration"] = [{"p": 0.1, "share": 0.2, "low": 0.1, "high": 0.3, "n": 9}]
    named = tuple(replace(c, name=odd, why=odd, same_as=odd) if c.name == "M1" else c for c in result.candidates)
    settings = {**result.settings, "source": odd, "notes": [odd], "inferred": [odd], "label": odd}
    decision = replace(result.decision, reason=odd, assumption=odd)
    whole = replace(result, scores=scores, candidates=named, settings=settings, decision=decision)
    columns = (Column(odd, odd, reason=odd, unit=odd, separates=0.99, not_numbers={"source": 1}, examples=(odd,)),)
    sides = (Side("source", odd, 9, labels={odd: 9}, notes=(odd,)), Side("target", odd, 9))
    text = _page(with_inspection(whole, Inspection("table", sides, columns, 1, notes=(odd,))), tmp_path)
    assert "<script" not in text and "عمر المريض 🙂" in text and len(text) < 1_000_000
    HTMLParser().feed(text)


def test_regression_clusters_and_networks_have_a_page(make, regression, tmp_path):
    assert "Residuals" in _page(regression, tmp_path) and "mean absolute" not in _page(regression, tmp_path)
    made = make(expected=None, scores={}, candidates=make().candidates[-2:])
    clusters = replace(made, decision=replace(made.decision, evidence="stability of clusters", gain=None))
    assert 'id="expected"' not in _page(clusters, tmp_path) and "singular &lt;matrix&gt;" in _page(clusters, tmp_path)
    bare = replace(made, settings={}, timings={}, diagnosis=replace(made.diagnosis, evidence={}))
    assert "not kept with this result" in _page(bare, tmp_path)
