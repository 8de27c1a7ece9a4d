"""Trainings with optimisers and steps of their own: checkpoints, exact resuming, and nothing of another run's."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")

from landbridge.data import load_builtin  # noqa: E402
from landbridge.exceptions import InputError  # noqa: E402
from landbridge.neural import Training, load_backbone  # noqa: E402
from landbridge.neural._phase import Phase  # noqa: E402
from landbridge.neural._trainer import Trainer  # noqa: E402
from landbridge.neural.backbones import mlp_backbone  # noqa: E402
from landbridge.neural.feature import adapt_adda, adapt_shot  # noqa: E402
from landbridge.neural.fewshot import conv_embedding, train_prototypical, train_siamese  # noqa: E402
from landbridge.neural.multitask import MultiTask  # noqa: E402
from landbridge.neural.selftaught import AutoencoderFeatures, DistantTransfer, contrastive_pretrain  # noqa: E402

SOURCE, TARGET = load_builtin("printed").take(range(120)), load_builtin("handwritten").take(range(60))
IMAGES = SOURCE.X.reshape(-1, 8, 8)


def adapted_start():
    network = load_backbone("builtin", random_state=0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return network.replace_head(torch.nn.Linear(network.in_features, 10)).eval()


def prototypical(settings, scale=1.0):
    how = {"n_way": 4, "n_shot": 1, "n_queries": 2, "n_episodes": 9, "groups": SOURCE.y % 2, "settings": settings}
    network = conv_embedding(8, width=4, random_state=0)
    return train_prototypical(network, scale * IMAGES, SOURCE.y, **how, random_state=3)


def siamese(settings, scale=1.0):
    how = {"n_way": 4, "n_batches": 9, "augment": lambda x, rng: x + torch.rand(x.shape, generator=rng)}
    network = load_backbone("builtin")
    return train_siamese(network, scale * IMAGES, SOURCE.y, **how, random_state=3, settings=settings)


def autoencoder(settings, scale=1.0):
    model = AutoencoderFeatures(4, hidden_layer_sizes=(8,), epochs=3, batch_size=32, random_state=0, settings=settings)
    return model.fit((SOURCE.X + 1) ** scale).encoder_


def contrastive(settings, scale=1.0):
    start = mlp_backbone(SOURCE.X.shape[1], random_state=0)
    return contrastive_pretrain(start, scale * SOURCE.X, epochs=3, batch_size=32, random_state=0, settings=settings)


def distant(settings, scale=1.0):
    given = np.where(np.arange(40) < 12, TARGET.y[:40], -1)
    model = DistantTransfer(4, hidden_layer_sizes=(8,), max_iter=3, n_steps=3, n_pretrain_steps=4, batch_size=16)
    model.set_params(random_state=0, settings=settings, selection="random")
    side = {"intermediate_domains": [TARGET.X[40:]], "X_target": TARGET.X[:40], "y_target": given}
    return model.fit(scale * SOURCE.X**2, SOURCE.y, **side).coder_


def shot(settings, scale=1.0):
    rows = torch.tensor(scale * TARGET.X.reshape(-1, 1, 8, 8), dtype=torch.float32)
    return adapt_shot(adapted_start(), rows, epochs=3, batch_size=20, random_state=0, settings=settings)


def adda(settings, scale=1.0):
    sides = [torch.tensor(d.X.reshape(-1, 1, 8, 8), dtype=torch.float32) for d in (SOURCE, TARGET)]
    how = {"n_steps": 5, "n_warmup_steps": 4, "eval_every": 2, "batch_size": 16, "random_state": 0}
    return adapt_adda(adapted_start(), sides[0], scale * sides[1], **how, settings=settings).network


def multitask(settings, scale=1.0, balance="gradnorm"):
    how = {"epochs": 3, "batch_size": 40, "device": "cpu", "random_state": 0, "image_shape": (8, 8)}
    model = MultiTask(**how, balance=balance, settings=settings)
    return model.fit({"digit": (scale * SOURCE.X, SOURCE.y), "ink": (TARGET.X, TARGET.X.mean(axis=1))}).network_


def multitask_uncertainty(settings, scale=1.0):
    return multitask(settings, scale, "uncertainty")


def multitask_pcgrad(settings, scale=1.0):
    return multitask(settings, scale, "pcgrad")


LOOPS = [
    prototypical, siamese, autoencoder, contrastive, distant, shot, adda, multitask, multitask_uncertainty,
    multitask_pcgrad,
]  # fmt: skip


def plan(folder, **changes):
    return Training(
        **{"device": "cpu", "checkpoint_dir": folder, "checkpoint_every": 1, "resume": True, "random_state": 0}
        | changes
    )


def weights(module):
    return torch.cat([v.detach().flatten().double() for v in module.state_dict().values()])


@pytest.mark.parametrize("loop", LOOPS)
def test_a_stopped_training_resumes_to_the_same_bits(tmp_path, monkeypatch, loop):
    expected = weights(loop(None))
    step = Trainer.step
    done = []

    def stopped(self, batch):
        done.append(1)
        if len(done) in (6, 12):
            raise KeyboardInterrupt
        step(self, batch)

    monkeypatch.setattr(Trainer, "step", stopped)
    tries = 0
    for tries in range(4):  # noqa: B007
        try:
            found = weights(loop(plan(tmp_path)))
            break
        except KeyboardInterrupt:
            continue
    assert tries in (1, 2) and torch.equal(expected, found)
    before = len(done)
    assert torch.equal(expected, weights(loop(plan(tmp_path)))) and len(done) == before  # a finished one is only read
    with pytest.raises(InputError, match="was made with another") as caught:
        loop(plan(tmp_path), scale=2.0)
    assert "\n" not in str(caught.value)


def test_no_optimizer_steps_outside_the_trainer():
    """New loops become phases, so that they have checkpoints and the rest."""
    from pathlib import Path

    import landbridge.neural

    folder = Path(landbridge.neural.__file__).parent
    rooms = ("feature", "fewshot", "multitask", "progressive", "selftaught")
    files = [f for room in rooms for f in (folder / room).rglob("*.py")]
    own = {f.name for f in files if "zero_grad()" in f.read_text(encoding="utf-8")}
    assert own == {"_balancing.py", "_multi_task.py"}  # a balance that learns, and its phase
    assert len(Phase.__subclasses__()) >= 8
