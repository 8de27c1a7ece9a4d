"""Few-shot recognition: episodes, class means, pairs, new classes turned away, and one-shot on real characters."""

import numpy as np
import pytest
import torch

from landbridge.data import load_builtin, shared_data
from landbridge.exceptions import InputError, LabelError
from landbridge.neural import load_backbone
from landbridge.neural.fewshot import (
    UNKNOWN,
    PrototypicalClassifier,
    SiameseClassifier,
    conv_embedding,
    episodes,
    prototypical_loss,
    train_prototypical,
    train_siamese,
)


@pytest.fixture(scope="module")
def digits():
    part = load_builtin("handwritten")
    return part.X.reshape(-1, 8, 8), part.y


def test_episodes_hold_so_many_rows_of_so_many_classes():
    labels = np.repeat(np.arange(12), 7)
    groups = np.repeat([0, 1, 2], 28)
    for episode in episodes(labels, n_way=4, n_shot=2, n_queries=3, n_episodes=20, groups=groups, random_state=0):
        own = labels[episode.support].reshape(4, 2)
        assert (own[:, :1] == own).all() and len(np.unique(own)) == 4
        assert (labels[episode.query].reshape(4, 3) == own[:, :1]).all()
        assert not set(episode.support) & set(episode.query)
        assert len(np.unique(groups[episode.support])) == 1
    one, two = (next(episodes(labels, n_way=3, n_shot=1, n_queries=1, n_episodes=1, random_state=5)) for _ in range(2))
    np.testing.assert_array_equal(one.support, two.support)
    with pytest.raises(InputError, match="too few classes"):
        next(episodes(labels, n_way=13, n_shot=1, n_queries=1, n_episodes=1, random_state=0))
    with pytest.raises(InputError, match="of one group"):
        next(episodes(labels, n_way=5, n_shot=1, n_queries=1, n_episodes=1, groups=groups, random_state=0))


def test_the_loss_is_that_of_the_nearest_mean_and_its_gradient_is_right():
    g = torch.Generator().manual_seed(0)
    support, query = (torch.randn(n, 3, dtype=torch.float64, generator=g, requires_grad=True) for n in (6, 4))
    assert torch.autograd.gradcheck(lambda a, b: prototypical_loss(a, b, 2)[0], (support, query))
    means = support.detach().reshape(2, 3, 3).mean(dim=1)
    D = ((query.detach()[:, None] - means[None]) ** 2).sum(-1)
    wanted = -torch.log_softmax(-D, dim=1)[torch.arange(4), torch.tensor([0, 0, 1, 1])].mean()
    loss, accuracy = prototypical_loss(support, query, 2)
    assert float(loss.detach()) == pytest.approx(float(wanted))
    assert float(accuracy) == float((D.argmin(dim=1) == torch.tensor([0, 0, 1, 1])).double().mean())


def test_prototypes_are_means_and_answers_are_the_nearest(digits):
    X, y = digits
    network = load_backbone("builtin")
    model = PrototypicalClassifier(network).fit(X[:60], y[:60])
    D = model.distances(X[60:80])
    assert (model.predict(X[60:80]) == model.classes_[D.argmin(axis=1)]).all()
    P = model.predict_proba(X[60:80])
    np.testing.assert_allclose(P.sum(axis=1), 1.0)
    assert (P.argmax(axis=1) == D.argmin(axis=1)).all()
    names = np.array(list("abcdefghij"))[y]
    assert PrototypicalClassifier(network).fit(X[:60], names[:60]).predict(X[60:70]).dtype.kind == "U"


def test_rows_of_new_classes_are_turned_away(digits):
    X, y = digits
    known, new = np.flatnonzero(y < 7), np.flatnonzero(y >= 7)[:200]
    model = PrototypicalClassifier(load_backbone("builtin"), reject=0.1).fit(X[known[:140]], y[known[:140]])
    away_known = np.mean(model.predict(X[known[140:340]]) == UNKNOWN)
    away_new = np.mean(model.predict(X[new]) == UNKNOWN)
    assert away_known < 0.25 and away_new > away_known + 0.1
    with pytest.raises(InputError, match="two support samples per class"):
        PrototypicalClassifier(load_backbone("builtin"), reject=0.1).fit(X[:2], [0, 1])
    with pytest.raises(ValueError, match="'reject' parameter of PrototypicalClassifier"):
        PrototypicalClassifier(load_backbone("builtin"), reject=1.0).fit(X[:40], y[:40])
    with pytest.raises(LabelError, match="one label per sample"):
        PrototypicalClassifier(load_backbone("builtin")).fit(X[:40], y[:4])


@pytest.mark.parametrize("kind", ["prototypical", "siamese"])
def test_training_repeats_by_its_seed_and_helps(kind, digits):
    X, y = digits
    seen, new = np.flatnonzero(y < 6)[:600], np.flatnonzero(y >= 6)
    support = np.concatenate([new[y[new] == c][:1] for c in range(6, 10)])
    query = np.setdiff1d(new, support)[:300]
    scores, first = [], []
    for n in (1, 200, 200):
        network = conv_embedding(8, width=16, depth=3, random_state=0)
        if kind == "prototypical":
            train_prototypical(network, X[seen], y[seen], n_way=5, n_queries=4, n_episodes=n, random_state=3)
            model = PrototypicalClassifier(network)
        else:
            pairs = train_siamese(network, X[seen], y[seen], n_way=5, n_samples=4, n_batches=n, random_state=3)
            model = SiameseClassifier(pairs)
        model.fit(X[support], y[support])
        scores.append(model.score(X[query], y[query]))
        first.append(next(network.parameters()).detach().clone())
    assert torch.equal(first[1], first[2]) and scores[1] == scores[2]
    assert scores[1] > 0.5  # four classes never seen, one row of each


def test_pairs_are_verified(digits):
    X, y = digits
    pairs = train_siamese(
        conv_embedding(8, width=16, depth=3, random_state=0),
        X[:800],
        y[:800],
        n_way=8,
        n_samples=4,
        n_batches=80,
        random_state=0,
    )
    model = SiameseClassifier(pairs).fit(X[:20], y[:20])
    rng = np.random.default_rng(0)
    a, b = rng.integers(900, 1700, 200), rng.integers(900, 1700, 200)
    same = np.array([rng.choice(np.flatnonzero(y == y[i])) for i in a])
    alike, apart = model.verify(X[a], X[same]), model.verify(X[a], X[b])[y[a] != y[b]]
    assert alike.mean() > apart.mean() + 0.15
    model.batch_size = 64  # 200 pairs in four parts, each as if it were alone
    embedded = [pairs.network.embed(torch.tensor(X[i, None], dtype=torch.float32)).detach() for i in (a, same)]
    one_by_one = [torch.sigmoid(pairs.pairs(p[None], q[None])).item() for p, q in zip(*embedded, strict=True)]
    np.testing.assert_allclose(model.verify(X[a], X[same]), one_by_one, atol=1e-6)
    pairs.train()  # answers do not depend on the mode, nor change it
    np.testing.assert_allclose(model.verify(X[a], X[same]), one_by_one, atol=1e-6)
    assert pairs.network.training
    with pytest.raises(InputError, match="A has 3 samples but B has 2"):
        model.verify(X[:3], X[:2])
    with pytest.raises(LabelError, match="one label per sample"):
        model.fit(X[:5], y[:3])


@pytest.mark.data
@pytest.mark.slow
def test_one_shot_on_characters_beats_pixels():
    if shared_data("omniglot_background.npz") is None or shared_data("omniglot_oneshot_runs.npz") is None:
        pytest.skip("the shared data folder is absent")
    from benchmarks.fewshot import background, official_runs, one_shot_accuracy, pixels

    X, characters, _ = background()
    runs = official_runs()
    network = conv_embedding(28, width=16, random_state=0)
    train_prototypical(network, X[::2], characters[::2], n_way=20, n_queries=3, n_episodes=250, random_state=0)
    assert one_shot_accuracy(lambda: PrototypicalClassifier(network), runs) > pixels(runs) + 0.1
