"""The loop: against a bare loop, its schedules, accumulation, averages, early stopping, devices and errors."""

import copy
import csv
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge.exceptions import InputError, MissingExtraError  # noqa: E402
from landbridge.neural import (  # noqa: E402
    Classification,
    Method,
    Network,
    Samples,
    Training,
    predict_logits,
    schedule_factor,
    train,
)
from landbridge.neural._samples import batches, permutation, stream  # noqa: E402

TASK = Classification([0, 1, 2])


def network(seed=0, dropout=0.0, norm=False, width=8):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        middle = [nn.BatchNorm1d(width)] if norm else []
        first = nn.Sequential(nn.Linear(4, width), *middle, nn.ReLU(), nn.Dropout(dropout))
        stages = {"a": first, "b": nn.Linear(width, 6)}
        return Network(stages, in_features=6, head=nn.Linear(6, 3))


def rows(n=30, seed=0):
    dice = torch.Generator().manual_seed(seed)
    y = torch.randint(3, (n,), generator=dice)
    return Samples(torch.randn((n, 4), generator=dice) + nn.functional.one_hot(y, 4) * 2.0, y)


def plan(**changes):
    return Training(
        **{"epochs": 3, "batch_size": 8, "learning_rate": 0.01, "device": "cpu", "random_state": 5} | changes
    )


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def test_equals_a_bare_loop():
    net, bare, data = network(), network(), rows()
    history = train(net, TASK, data, settings=plan(clip=0.5))
    groups = [
        {"params": [p for p in bare.parameters() if p.ndim > 1], "weight_decay": 0.01},
        {"params": [p for p in bare.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=0.01)
    step, losses = 0, []
    for epoch in range(3):
        order, total = torch.randperm(30, generator=torch.Generator().manual_seed(_seed_of(epoch))), 0.0
        for index in order.split(8):
            for group in optimizer.param_groups:
                group["lr"] = 0.01 * schedule_factor(plan(), step, 12)
            loss = nn.functional.cross_entropy(bare(data.inputs[index]), data.labels[index])
            loss.backward()
            nn.utils.clip_grad_norm_(bare.parameters(), 0.5)
            optimizer.step()
            optimizer.zero_grad()
            total, step = total + float(loss.detach()) * len(index), step + 1
        losses.append(total / 30)
    assert torch.allclose(weights(net), weights(bare), atol=1e-6)
    assert [e["loss"] for e in history.epochs] == pytest.approx(losses, rel=1e-5)
    assert history.steps == 12 and history.device == "cpu"


def _seed_of(epoch):
    from landbridge.neural._samples import mix

    return mix(5, epoch)


def test_same_seed_same_bits_and_the_global_generators_are_left_alone():
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    state, other = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    a, b, c = network(dropout=0.5), network(dropout=0.5), network(dropout=0.5)
    train(a, TASK, rows(), settings=plan())
    torch.rand(3)
    train(b, TASK, rows(), settings=plan())
    train(c, TASK, rows(), settings=plan(random_state=6))
    torch.set_rng_state(state)
    train(copy.deepcopy(a), TASK, rows(), settings=plan())
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], other)  # noqa: NPY002
    assert torch.equal(weights(a), weights(b))
    assert not torch.equal(weights(a), weights(c))


def test_accumulation_gives_the_same_result():
    a, b = network(), network()
    train(a, TASK, rows(), settings=plan())
    train(b, TASK, rows(), settings=plan(accumulation=3))
    assert torch.allclose(weights(a), weights(b), atol=1e-6)


def test_schedules():
    flat = [schedule_factor(plan(schedule="constant", warmup=2.0), s, 10) for s in range(10)]
    assert flat == [0.5] + [1.0] * 9
    cosine = [schedule_factor(plan(schedule="cosine", warmup=0.0), s, 10) for s in range(10)]
    assert cosine == pytest.approx([0.5 * (1 + math.cos(math.pi * s / 10)) for s in range(10)])
    assert schedule_factor(plan(schedule="linear", warmup=0.0), 5, 10) == 0.5


@pytest.mark.parametrize("kind", ["ema", "tail"])
def test_averages_are_those_of_the_steps(kind):
    steps = []

    class Watch(Method):
        def step(self, net, progress):
            steps.append(weights(net).clone())

    net = network()
    train(net, TASK, rows(), methods=[Watch()], settings=plan(average=kind))
    if kind == "tail":
        assert torch.allclose(weights(net), torch.stack(steps[8:]).mean(0), atol=1e-6)
    else:
        mean = weights(network())
        for k, w in enumerate(steps, start=1):
            decay = min(0.999, (1 + k) / (10 + k))
            mean = decay * mean + (1 - decay) * w
        assert torch.allclose(weights(net), mean, atol=1e-6)


def test_answers_are_changed_before_any_loss_and_with_the_target_at_hand():
    class Twice(Method):
        reads_target = True

        def answer(self, network, source, target):
            seen.append(len(target.logits))
            source.logits = 2 * source.logits

    class Listen(Method):
        def loss(self, network, source, target, progress):
            heard.append(source.logits.detach().clone())
            return {}

    seen, heard, plain, changed = [], [], [], []
    for methods, kept in (([Listen()], plain), ([Listen(), Twice()], changed)):
        heard.clear()
        history = train(
            network(), TASK, rows(), methods=methods, target=Samples(rows(30, seed=1).inputs), settings=plan()
        )
        kept.append((heard[0], history.epochs[0]["task"]))
    torch.testing.assert_close(changed[0][0], 2 * plain[0][0])
    assert changed[0][1] != plain[0][1]  # the task's loss is taken from what the answers became
    assert seen and min(seen) > 0


def test_early_stopping_by_score_keeps_the_highest_and_of_equals_the_one_of_least_loss():
    net, held_out = network(), rows(20, seed=1)
    how = plan(epochs=60, patience=8, learning_rate=0.1, monitor="score")
    history = train(net, TASK, rows(12), held_out=held_out, settings=how)
    standing = [(-e["held_out_accuracy"], e["held_out_loss"]) for e in history.epochs]
    assert history.best_epoch == standing.index(min(standing))
    losses = [e["held_out_loss"] for e in history.epochs]
    assert history.best_epoch != int(np.argmin(losses))  # or this would show nothing
    kept = float(TASK.score(predict_logits(net, held_out.inputs), held_out.labels))
    assert kept == max(e["held_out_accuracy"] for e in history.epochs)


def test_early_stopping_keeps_the_best_epoch():
    net, held_out = network(), rows(20, seed=1)
    history = train(net, TASK, rows(12), held_out=held_out, settings=plan(epochs=60, patience=3, learning_rate=0.1))
    losses = [e["held_out_loss"] for e in history.epochs]
    assert history.best_epoch == int(np.argmin(losses))
    assert len(losses) == history.best_epoch + 5 < 60
    kept = float(TASK.mean_loss(predict_logits(net, held_out.inputs), held_out.labels))
    assert kept == pytest.approx(min(losses), rel=1e-5)


def test_every_row_is_seen_once_an_epoch_and_no_batch_is_too_small():
    cuts = batches(permutation(33, 0, 0), 8)
    assert [len(c) for c in cuts] == [8, 8, 8, 9]
    assert sorted(torch.cat(cuts).tolist()) == list(range(33))
    assert not torch.equal(permutation(33, 0, 0), permutation(33, 0, 1))
    whole = torch.cat([stream(5, 3 * s, 3 * s + 3, 7) for s in range(10)])
    assert all(sorted(part.tolist()) == list(range(5)) for part in whole.split(5))


def test_batch_norm_of_one_row_left_over():
    net = network(norm=True)
    train(net, TASK, rows(33), settings=plan())
    assert torch.isfinite(weights(net)).all()


def test_a_bf16_run():
    net = network()
    history = train(net, TASK, rows(), settings=plan(precision="bf16", epochs=20))
    assert net.head.weight.dtype == torch.float32
    assert history.epochs[-1]["loss"] < history.epochs[0]["loss"]


def test_losses_are_logged(tmp_path):
    history = train(network(), TASK, rows(), held_out=rows(9, 1), settings=plan(log_dir=tmp_path))
    (file,) = tmp_path.rglob("metrics.csv")
    with open(file, newline="") as handle:
        lines = list(csv.DictReader(handle))
    assert [float(line["loss"]) for line in lines] == pytest.approx([e["loss"] for e in history.epochs])
    assert "held_out_accuracy" in lines[0]


def test_progress_is_shown_only_when_asked(capsys):
    train(network(), TASK, rows(), settings=plan(epochs=1))
    assert capsys.readouterr() == ("", "")
    train(network(), TASK, rows(), settings=plan(epochs=1, verbose=1))
    assert "4/4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"device": "cuda:7"}, "device='cuda:7'"),
        ({"device": "toaster"}, "is no device"),
        ({"precision": "16"}, "needs a GPU"),
        ({"precision": "8"}, "precision='8' is unknown"),
        ({"optimizer": "newton"}, "choose 'adamw' or 'sgd'"),
        ({"processes": 2, "strategy": "fsdp"}, "needs GPUs"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(changes, says):
    with pytest.raises(InputError, match=says) as caught:
        train(network(), TASK, rows(), settings=plan(**changes))
    assert "\n" not in str(caught.value)


def test_tensorboard_without_the_library_names_it(tmp_path):
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtraError, match="pip install tensorboard"):
            train(network(), TASK, rows(), settings=plan(log_dir=tmp_path, logger="tensorboard"))
    else:
        train(network(), TASK, rows(), settings=plan(log_dir=tmp_path, logger="tensorboard"))
        assert list(tmp_path.rglob("events*"))


def test_a_loss_that_runs_away_is_an_error():
    with pytest.raises(InputError, match="no longer finite in epoch"):
        train(network(), TASK, rows(), settings=plan(optimizer="sgd", learning_rate=1e30, epochs=5))


def test_out_of_memory_suggests_the_remedy():
    class Hungry(Method):
        def loss(self, net, source, target, progress):
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(InputError, match=r"batch_size=8.*accumulation=2.*batch_size=4"):
        train(network(), TASK, rows(), methods=[Hungry()], settings=plan())


def test_frozen_stages_do_not_move_by_a_bit_and_are_run_once():
    net = network(norm=True, dropout=0.3).freeze(["a"])
    before = {k: v.clone() for k, v in net.stages["a"].state_dict().items()}
    calls = []
    net.stages["a"].register_forward_hook(lambda m, a, out: calls.append(len(out)))
    train(net, TASK, rows(), settings=plan(average="ema"))
    assert sum(calls) == 30 + 1  # all rows once, and the trial of one row
    assert all(torch.equal(before[k], v) for k, v in net.stages["a"].state_dict().items())


def test_caching_changes_nothing():
    class Uncached(Method):
        cacheable = False

    a, b = network().freeze(["a"]), network().freeze(["a"])
    train(a, TASK, rows(), settings=plan())
    train(b, TASK, rows(), methods=[Uncached()], settings=plan())
    assert torch.allclose(weights(a), weights(b), atol=1e-6)


class Match(Method):
    """Means of source and target drawn together, through a layer learned beside the network."""

    stages = ("embedding",)
    reads_target = True

    def prepare(self, net, task):
        torch.manual_seed(0)
        net.extras["map"] = nn.Linear(6, 2)

    def loss(self, net, source, target, progress):
        means = [net.extras["map"](b.features["embedding"]).mean() for b in (source, target)]
        return {"match": means[0] - means[1]}


def test_two_processes_give_the_result_of_one():
    a, b, before = (network(width=3000) for _ in range(3))  # wide: more is handed back than a pipe holds
    assert weights(before).nbytes > 2**16
    both = {"methods": [Match()], "target": rows(19, seed=3)}
    ours = train(a, TASK, rows(), settings=plan(epochs=2, accumulation=2), **both)
    theirs = train(b, TASK, rows(), settings=plan(epochs=2, accumulation=2, processes=2), **both)
    assert torch.allclose(weights(a), weights(b), atol=1e-5)
    assert not torch.allclose(before.head.weight, b.head.weight, atol=1e-3)
    assert theirs.epochs[-1]["loss"] == pytest.approx(ours.epochs[-1]["loss"], abs=1e-5)


def test_without_a_seed_a_run_resumes_with_the_seed_of_its_checkpoint(tmp_path):
    first = train(network(), TASK, rows(), settings=plan(random_state=None, checkpoint_dir=tmp_path))
    again = train(network(), TASK, rows(), settings=plan(random_state=None, checkpoint_dir=tmp_path, resume=True))
    assert again.epochs == first.epochs


def test_batches_of_one_keep_the_statistics_of_batch_norms():
    from landbridge.neural import NeuralClassifier
    from landbridge.neural.backbones import module_backbone

    X, y = np.random.default_rng(0).normal(size=(9, 4)), np.arange(9) % 2

    def fitted(**settings):
        net = module_backbone(
            torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.BatchNorm1d(6)), example=torch.zeros(2, 4)
        )
        return NeuralClassifier(net, epochs=1, device="cpu", random_state=0, **settings).fit(X, y)

    with pytest.warns(UserWarning, match="batch_size=1 gives batch norms one sample at a time"):
        model = fitted(batch_size=1)
    norm = next(m for m in model.network_.modules() if isinstance(m, torch.nn.BatchNorm1d))
    assert int(norm.num_batches_tracked) == 0 and np.isfinite(model.predict_proba(X)).all()
    for batch_size, accumulation in ((2, 1), (4, 4), (4, 3), (8, 1)):
        norm = next(
            m
            for m in fitted(batch_size=batch_size, accumulation=accumulation).network_.modules()
            if isinstance(m, torch.nn.BatchNorm1d)
        )
        assert int(norm.num_batches_tracked) > 0
