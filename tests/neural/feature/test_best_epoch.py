"""BestEpoch: the score by hand, late damage undone, nothing added to the loss, resumed as if never stopped."""

import pytest

pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")

import torch

from landbridge.data import load_builtin
from landbridge.exceptions import InputError
from landbridge.guard import neighbourhood_density
from landbridge.neural import Method, NeuralClassifier
from landbridge.neural.feature import BestEpoch, batch_score

SHAPE = {"image_shape": (8, 8), "random_state": 0, "pretrained": True}


class Spoil(Method):
    """Forgets everything in the second half of a run."""

    def step(self, network, progress):
        if progress > 0.5:
            with torch.no_grad():
                for p in network.head.parameters():
                    p.zero_()


@pytest.fixture(scope="module")
def sides():
    return load_builtin("printed").take(range(200)), load_builtin("handwritten").take(range(200))


def fit(sides, methods, **settings):
    model = NeuralClassifier("builtin", methods=methods, epochs=6, **SHAPE, **settings)
    return model.fit(sides[0].X, sides[0].y, X_target=sides[1].X)


def test_scores_by_hand():
    P = torch.tensor([[0.7, 0.3], [0.2, 0.8], [0.5, 0.5]], dtype=torch.float64)
    entropy = -(P * P.log()).sum(1).mean()
    mean = P.mean(0)
    logits = P.log()
    assert batch_score(logits, "entropy") == pytest.approx(-entropy)
    assert batch_score(logits, "information") == pytest.approx(-(mean * mean.log()).sum() - entropy)
    assert batch_score(logits) == pytest.approx(torch.linalg.svdvals(P).sum() / 6**0.5)


def test_density_is_that_of_the_guard():
    logits = torch.randn(20, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wanted = neighbourhood_density(logits.softmax(dim=1).numpy())
    assert float(batch_score(logits, "density")) == pytest.approx(wanted)
    assert float(batch_score(logits[:2], "density")) == 0.0  # two rows have no neighbourhood


# The density does not see this damage: rows that all fall into one class lie as densely as can be.
@pytest.mark.parametrize("score", ["nuclear norm", "information", "entropy"])
def test_late_damage_is_undone(sides, score):
    spoilt = fit(sides, [Spoil()])
    kept = fit(sides, [Spoil(), BestEpoch(score)])
    assert spoilt.score(sides[0].X, sides[0].y) < 0.3
    assert kept.score(sides[0].X, sides[0].y) > 0.8


def test_the_last_epoch_is_kept_where_it_is_best(sides):
    plain, watched = fit(sides, []), fit(sides, [BestEpoch("entropy")])
    same = all(
        torch.equal(a, b) for a, b in zip(plain.network_.parameters(), watched.network_.parameters(), strict=True)
    )
    assert same  # answers only become surer here, and nothing was added to the loss


def test_a_resumed_run_chooses_the_same(sides, tmp_path):
    whole = fit(sides, [Spoil(), BestEpoch()])

    class Stop(Method):
        def epoch(self, network, epoch, epochs):
            if epoch == 4:
                raise KeyboardInterrupt

    settings = {"checkpoint_dir": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        fit(sides, [Spoil(), BestEpoch(), Stop()], **settings)
    for file in tmp_path.rglob("state.json"):
        file.write_text(file.read_text().replace(', "Stop"', ""))
    again = fit(sides, [Spoil(), BestEpoch()], **settings, resume=True)
    pairs = zip(whole.network_.parameters(), again.network_.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_unknown_score():
    with pytest.raises(InputError, match=r"'score'.*Got 'best'"):
        BestEpoch("best").validate_params()
