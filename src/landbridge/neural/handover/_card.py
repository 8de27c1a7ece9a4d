"""Model cards: architecture, training data, scores and limits of a model."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from torch import nn

from landbridge.exceptions import InputError
from landbridge.measurement import Measurement
from landbridge.neural._estimator import NeuralClassifier, NeuralRegressor
from landbridge.neural._network import Network
from landbridge.neural.backbones._images import ImageInput
from landbridge.neural.backbones._words import AudioInput, TextInput
from landbridge.neural.handover._int8 import int8_layers

__all__ = ["model_card"]

# A path from the root of a file system (not the path of a URL), or from a drive.
PLACE = re.compile(
    r"(?<![\w:/.~<])~?/(?:[^\s/'\"`,;:()]+/)*([^\s/'\"`,;:()]+)|\b[A-Za-z]:\\(?:[^\s\\'\"`]+\\)*([^\s\\'\"`]+)"
)


def model_card(
    result_or_model: Any,
    *,
    name: str,
    data: str,
    licence: str | None = None,
    path: str | Path | None = None,
    figures: Mapping[str, Measurement | float] | None = None,
    limits: Sequence[str] = (),
) -> str:
    """Describe a trained model in a README.md as the Hugging Face hub shows it.

    Parameters
    ----------
    result_or_model : Result, NeuralClassifier, NeuralRegressor or Network
        A result of ``transfer`` brings the guard's verdict and every figure with its interval.
    name : str
        What the model is called.
    data : str
        What it was trained on: where the samples come from, how many, what the labels are.
    licence : str, optional
        Identifier of the model's licence, such as ``"bsd-3-clause"``.
    path : path-like, optional
        Where to write the card too; a folder gets a ``README.md``.
    figures : mapping of str to Measurement or float, optional
        Further figures, by what they measure and on which samples.
    limits : sequence of str, optional
        What the model must not be used for, and where it is known to fail; one sentence each.

    Returns
    -------
    str
        Markdown with a head in YAML. Paths of this machine are cut down to their last part.

    Notes
    -----
    A card states what is known and what is not: without figures it states that there are none.

    References
    ----------
    .. [1] M. Mitchell et al. Model cards for model reporting. FAT* 2019.

    Examples
    --------
    >>> from landbridge.neural.backbones import mlp_backbone
    >>> from landbridge.neural.handover import model_card
    >>> network = mlp_backbone(4, random_state=0)
    >>> card = model_card(network, name="tables", data="four features", figures={"accuracy": 0.9})
    >>> print(card.split("## Figures")[1].split("##")[0].strip())
    | what | value | 95 % interval |
    |---|---|---|
    | accuracy | 0.9 | not known |
    """
    for given, label in ((name, "name"), (data, "data")):
        if not isinstance(given, str) or not given.strip():
            raise InputError(f"{label} must be a text that is not empty; got {given!r}.")
    if isinstance(limits, str):
        raise InputError("limits must be a list of sentences; put the one into a list.")
    result = result_or_model if hasattr(result_or_model, "decision") else None
    model = result_or_model if result is None else result.model
    if not isinstance(model, nn.Module) and isinstance(getattr(model, "network", None), Network):
        model = model.network  # what quantise gave
    network = model if isinstance(model, Network) else getattr(model, "network_", None)
    if network is None and result is None:
        raise InputError(
            f"result_or_model must be a result, a fitted neural estimator or a Network; got {type(model).__name__}."
        )
    scores = _figures(result, figures)
    parts = [
        f"# {name}",
        _what(model, network),
        "## Training\n\n" + _training(model, network, result),
        "## Data\n\n" + data.strip(),
        "## Figures\n\n" + _table(scores),
    ]
    if result is not None:
        parts.append("## Verdict\n\n" + _verdict(result))
    parts.append("## Limits\n\n" + _limits(network, result, scores, limits))
    parts.append("## Use\n\n" + _use(model, network))
    text = _head(model, network, result, name, licence, scores) + "\n" + "\n\n".join(parts) + "\n"
    text = PLACE.sub(lambda m: m[1] or m[2], text)
    if path is not None:
        place = Path(path)
        place = place / "README.md" if place.is_dir() else place
        if not place.parent.is_dir():
            raise InputError(f"path: the folder {place.parent.name!r} does not exist; make it first.")
        place.write_text(text, encoding="utf-8")
    return text


def _head(model: Any, network: Any, result: Any, name: str, licence: str | None, scores: dict[str, Measurement]) -> str:
    task = _task(model, result)
    lines = ["---", "library_name: landbridge"]
    if licence is not None:
        lines.append(f"license: {json.dumps(licence)}")
    if pipeline := _pipeline(network, task):
        lines.append(f"pipeline_tag: {pipeline}")
    lines += ["tags:", "- transfer-learning", *([f"- {task}"] if task else [])]
    shown = {k: m for k, m in scores.items() if m.value == m.value}
    if shown:
        kind = json.dumps(pipeline or task or "other")
        lines += ["model-index:", f"- name: {json.dumps(name)}", "  results:", "  - task:", f"      type: {kind}"]
        lines += ["    dataset:", "      type: other", '      name: "see the section on data"', "    metrics:"]
        for label, m in shown.items():
            lines += [f"    - type: {json.dumps(label)}", f"      value: {float(m.value):.6g}"]
    return "\n".join([*lines, "---", ""])


def _task(model: Any, result: Any) -> str:
    if result is not None:
        return str(result.task)
    if isinstance(model, NeuralClassifier):
        return "classification"
    return "regression" if isinstance(model, NeuralRegressor) else ""


def _pipeline(network: Any, task: str) -> str:
    """The hub's name for the task, where it has one."""
    preprocess = getattr(network, "preprocess", None)
    if isinstance(preprocess, ImageInput) or callable(getattr(preprocess, "read", None)):
        kind = (
            "text" if isinstance(preprocess, TextInput) else "audio" if isinstance(preprocess, AudioInput) else "image"
        )
        return f"{kind}-classification" if task == "classification" else ""
    return f"tabular-{task}" if task else ""


def _what(model: Any, network: Any) -> str:
    lines = []
    if isinstance(model, NeuralClassifier):
        classes = [str(c) for c in model.classes_]
        some = ", ".join(classes[:20]) + (", ..." if len(classes) > 20 else "")
        lines.append(f"A network that tells {len(classes)} classes apart: {some}.")
    elif isinstance(model, NeuralRegressor):
        lines.append("A network that predicts a number.")
    elif network is None:
        lines.append(f"A model of the kind {type(model).__name__}.")
    elif isinstance(network.head, nn.Linear):
        lines.append(f"A network with {network.head.out_features} outputs.")
    else:
        lines.append(f"A network that turns samples into {network.in_features} features.")
    if network is not None:
        count = sum(p.numel() for p in network.parameters())
        layers = [network.get_submodule(n) for n in int8_layers(network)]
        count += sum(layer.q.numel() for layer in layers)
        lines.append(f"It has {count:,} weights in {len(network.stage_names)} stages ({_some(network.stage_names)}).")
        if layers:
            lines.append(f"The weights of {len(layers)} layers are whole numbers of eight bits.")
    return " ".join(lines)


def _training(model: Any, network: Any, result: Any) -> str:
    lines = []
    if network is not None:
        lines.append(f"Backbone: {_backbone(model, network)}.")
    history = getattr(model, "history_", None)
    if isinstance(model, NeuralClassifier | NeuralRegressor) and history is not None:
        # Read from a folder a model has no history, and its settings are not those that it was trained with.
        taught = getattr(model, "distillation_", None)
        methods = ", ".join(type(m).__name__ for m in model.methods) or "plain training, no further method"
        if taught is not None:
            methods = (
                f"distillation from a network of {taught['teacher_weights']:,} weights on {taught['n_samples']} "
                f"samples (temperature {taught['temperature']:g}, weight of labels {taught['label_weight']:g})"
            )
        lines.append(f"Method: {methods}.")
        seed = model.random_state if isinstance(model.random_state, int) else "not fixed"
        lines.append(
            f"Settings: at most {model.epochs} epochs, {model.batch_size} samples a step, optimiser {model.optimizer}, "
            f"schedule {model.schedule}, seed {seed}."
        )
        if history.epochs:
            lines.append(
                f"The loss was {history.epochs[0]['loss']:.3g} at first and {history.epochs[-1]['loss']:.3g} at last."
            )
        if network.frozen:
            lines.append(f"Frozen while training: {_some(network.frozen)}.")
    if result is not None:
        lines.append(f"Method chosen: {result.decision.chosen}, out of {len(result.candidates)} that were considered.")
        versions = result.settings.get("versions") if isinstance(result.settings, Mapping) else None
        if isinstance(versions, Mapping):
            lines.append("Versions: " + ", ".join(f"{k} {v}" for k, v in versions.items()) + ".")
    return "\n".join(f"- {line}" for line in lines) or "Nothing is known of it."


def _backbone(model: Any, network: Any) -> str:
    spec = network.spec or {}
    kind = spec.get("kind")
    given = getattr(model, "backbone", None)
    named = (
        PurePath(given).name if isinstance(given, str | PurePath) and given not in ("auto", "mlp", "builtin") else ""
    )
    if isinstance(given, str) and re.fullmatch(r"[\w.-]+/[\w.-]+", given) and not Path(given).exists():
        named = given  # a name on the hub has a stroke in it
    fresh = ", weights drawn afresh"
    trained = "" if getattr(model, "pretrained", True) else fresh
    if kind == "builtin":
        own = ", trained on printed digits" if isinstance(given, str) else ""  # else somebody's weights are in it
        return "the small convolutional network that comes with landbridge" + (trained or own)
    if kind == "mlp":
        layers = ", ".join(map(str, spec["widths"]))
        return f"a multilayer perceptron with layers of {layers}{fresh if isinstance(given, str) else trained}"
    if kind == "raw":
        return f"{spec['name']}{trained}"
    if kind == "transformers":
        return f"{named + ', ' if named else ''}a {spec['model']} of transformers{trained}"
    return f"{named or 'a module made by hand'}{trained}"


def _figures(result: Any, figures: Any) -> dict[str, Measurement]:
    scores: dict[str, Measurement] = {}
    if result is not None:
        chosen = (
            result[result.decision.chosen] if any(c.name == result.decision.chosen for c in result.candidates) else None
        )
        if chosen is not None and chosen.estimate is not None:
            scores[f"{result.metric}, estimated on the target"] = chosen.estimate
        if chosen is not None and chosen.hidden is not None:
            scores[f"{result.metric}, on held-out target labels"] = chosen.hidden
        if result.decision.gain is not None:
            scores["gain over not transferring, estimated"] = result.decision.gain
    for label, value in (figures or {}).items():
        try:
            scores[str(label)] = value if isinstance(value, Measurement) else Measurement(str(label), float(value))
        except (TypeError, ValueError):
            raise InputError(f"figures[{label!r}] is no number; give a Measurement or a float.") from None
    return scores


def _table(scores: dict[str, Measurement]) -> str:
    if not scores:
        return "None were given: how good this model is, is not known."
    lines = ["| what | value | 95 % interval |", "|---|---|---|"]
    for label, m in scores.items():
        between = "not known" if m.low is None or m.high is None else f"{m.low:.4g} to {m.high:.4g}"
        lines.append(f"| {label.replace('|', '/')} | {m.value:.4g} | {between} |")
    return "\n".join(lines)


def _verdict(result: Any) -> str:
    decision = result.decision
    said = "to transfer" if decision.transferred else "not to transfer"
    lines = [f"The guard decided {said}: {decision.reason}", f"The verdict rests on: {decision.evidence}.", ""]
    lines += [f"| candidate | {result.metric} | gain | |", "|---|---|---|---|"]
    for c in result.candidates:
        note = "**chosen**" if c.name == decision.chosen else "" if c.status == "tried" else c.status
        lines.append(f"| {c.name} | {_short(c.estimate)} | {_short(c.gain)} | {note} |")
    return "\n".join(lines)


def _limits(network: Any, result: Any, scores: dict[str, Measurement], limits: Sequence[str]) -> str:
    lines = [str(sentence) for sentence in limits]
    lines.append("Figures hold for samples like those they were measured on; measure again before use on others.")
    if not scores:
        lines.append("No figure was measured: do not rely on it before you have measured one.")
    if result is not None and result.decision.evidence != "target labels":
        lines.append("No label of the target was seen: the estimates rest on assumptions that cannot be checked.")
    if result is not None and not result.decision.transferred:
        lines.append("The guard advised against a transfer; this is the model without one.")
    if network is not None:
        lines.append(
            "Samples of a kind that was not in the training data get a prediction too, which may look confident."
        )
    return "\n".join(f"- {line}" for line in lines)


def _use(model: Any, network: Any) -> str:
    if network is None:
        lines = ["```python", "from landbridge import load_result", "", 'model = load_result("this folder")']
        return "\n".join([*lines, "model.predict(rows)", "```"])
    ask = "model.predict(rows)" if isinstance(model, NeuralClassifier | NeuralRegressor) else "logits = model(samples)"
    return (
        "```python\nfrom landbridge.neural.handover import take_over\n\n"
        f'model = take_over("this folder")  # reads safetensors and JSON, runs no code of the folder\n{ask}\n```'
    )


def _short(m: Measurement | None) -> str:
    if m is None or m.value != m.value:
        return ""
    return f"{m.value:.4g}" + ("" if m.low is None or m.high is None else f" [{m.low:.4g}, {m.high:.4g}]")


def _some(names: Sequence[str], n: int = 6) -> str:
    return ", ".join(names) if len(names) <= n else ", ".join([*names[: n - 1], f"... {names[-1]}"])
