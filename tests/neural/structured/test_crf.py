"""The field against an enumeration of all tags, with gradients, masks, padding and rules."""

import itertools

import pytest
import torch

from landbridge.exceptions import InputError
from landbridge.neural.structured import (
    ChainWeights,
    LinearChainCRF,
    chain_decode,
    chain_log_partition,
    chain_loss,
    chain_marginals,
    chain_score,
    iob2_allowed,
)

TAGS = ["O", "B-A", "I-A", "B-B", "I-B"]


def problem(n=4, length=5, n_tags=3, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=dtype)

    weights = ChainWeights(draw(n_tags), draw(n_tags, n_tags), draw(n_tags))
    return draw(n, length, n_tags), weights


def naive_scores(e, weights):
    """Score of every sequence of tags of one sample, term by term."""
    start, between, end = (w.tolist() for w in weights)
    scores = {}
    for path in itertools.product(range(e.shape[1]), repeat=len(e)):
        s = start[path[0]] + end[path[-1]] + sum(e[t, y].item() for t, y in enumerate(path))
        scores[path] = s + sum(between[a][b] for a, b in itertools.pairwise(path))
    return scores


MASKS = {
    "full": [[1, 1, 1, 1, 1]] * 4,
    "padded": [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 1, 0, 0, 0]],
    "gaps": [[0, 1, 1, 0, 1], [1, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 1, 0, 1, 1]],
}


@pytest.mark.parametrize("name", MASKS)
def test_everything_is_that_of_an_enumeration(name):
    e, weights = problem()
    mask = torch.tensor(MASKS[name]).bool()
    log_z, marginals = chain_log_partition(e, weights, mask), chain_marginals(e, weights, mask)
    paths, best = chain_decode(e, weights, mask)
    for i in range(len(e)):
        scores = naive_scores(e[i][mask[i]], weights)
        values = torch.tensor(list(scores.values()), dtype=torch.float64)
        torch.testing.assert_close(log_z[i], values.logsumexp(0))
        top = max(scores, key=scores.get)
        assert tuple(paths[i][mask[i]].tolist()) == top and best[i].item() == pytest.approx(scores[top])
        assert (paths[i][~mask[i]] == -100).all() and (marginals[i][~mask[i]] == 0).all()
        expected = torch.zeros(int(mask[i].sum()), e.shape[2], dtype=torch.float64)
        for path, p in zip(scores, (values - values.logsumexp(0)).exp(), strict=True):
            expected[range(len(path)), list(path)] += p
        torch.testing.assert_close(marginals[i][mask[i]], expected)


@pytest.mark.parametrize("name", MASKS)
def test_the_loss_is_the_negative_log_likelihood(name):
    e, weights = problem(seed=1)
    mask = torch.tensor(MASKS[name]).bool()
    tags = torch.randint(0, 3, mask.shape, generator=torch.Generator().manual_seed(5))
    total, weight = chain_loss(e, tags, weights, mask)
    score = chain_score(e, tags, weights, mask)
    expected = 0.0
    for i in range(len(e)):
        scores = naive_scores(e[i][mask[i]], weights)
        own = scores[tuple(tags[i][mask[i]].tolist())]
        assert score[i].item() == pytest.approx(own)
        expected += torch.tensor(list(scores.values()), dtype=torch.float64).logsumexp(0).item() - own
    assert total.item() == pytest.approx(expected) and weight.item() == mask.sum().item()
    ignored = tags.masked_fill(~mask, -100)
    torch.testing.assert_close(chain_loss(e, ignored, weights), (total, weight))


def test_gradients():
    e, weights = problem(n=2, length=4)
    mask = torch.tensor([[True, True, True, False], [False, True, False, True]])
    tags = torch.tensor([[0, 2, 1, 0], [1, 1, 0, 2]])
    inputs = tuple(t.requires_grad_() for t in (e, *weights))

    def total(e, *w):
        return chain_loss(e, tags, ChainWeights(*w), mask)[0]

    assert torch.autograd.gradcheck(total, inputs)
    assert torch.autograd.gradcheck(lambda e, *w: chain_marginals(e, ChainWeights(*w), mask), inputs)


def test_marginals_are_the_gradient_of_the_log_partition():
    e, weights = problem(n=3, length=7, n_tags=4)
    e.requires_grad_()
    (gradient,) = torch.autograd.grad(chain_log_partition(e, weights).sum(), e)
    torch.testing.assert_close(gradient, chain_marginals(e, weights).detach())


def test_padding_changes_nothing_whatever_it_holds():
    e, weights = problem(n=2, length=4)
    tags = torch.tensor([[0, 1, 2, 0], [2, 2, 1, 1]])
    longer = torch.cat([e, torch.full((2, 3, 3), torch.nan, dtype=torch.float64)], 1).requires_grad_()
    mask = torch.arange(7).expand(2, -1) < 4
    long_tags = torch.nn.functional.pad(tags, (0, 3), value=77)
    total, weight = chain_loss(longer, long_tags, weights, mask)
    torch.testing.assert_close((total, weight), chain_loss(e, tags, weights))
    (gradient,) = torch.autograd.grad(total, longer)
    assert gradient.isfinite().all() and (gradient[:, 4:] == 0).all()
    torch.testing.assert_close(chain_marginals(longer, weights, mask)[:, :4], chain_marginals(e, weights))
    assert torch.equal(chain_decode(longer, weights, mask)[0][:, :4], chain_decode(e, weights)[0])


def test_a_sequence_without_places_has_no_loss():
    e, weights = problem(n=2)
    mask = torch.tensor([[True] * 5, [False] * 5])
    tags = torch.zeros(2, 5, dtype=torch.long)
    assert chain_log_partition(e, weights, mask)[1] == 0 and chain_score(e, tags, weights, mask)[1] == 0
    torch.testing.assert_close(chain_loss(e, tags, weights, mask), chain_loss(e[:1], tags[:1], weights))
    assert (chain_decode(e, weights, mask)[0][1] == -100).all() and chain_decode(e, weights, mask)[1][1] == 0


def test_rules_exclude_what_is_no_iob2():
    allowed = iob2_allowed(TAGS)
    e, weights = problem(n=20, length=4, n_tags=5, seed=2)
    paths, best = chain_decode(e, weights, allowed=allowed)

    def valid(path):
        pairs = itertools.pairwise([0, *path])
        return all(b not in (2, 4) or a in (b, b - 1) for a, b in pairs)

    crf = LinearChainCRF(5, allowed).double()
    for name, w in zip(("start", "between", "end"), weights, strict=True):
        getattr(crf, name).data.copy_(w)
    assert torch.equal(crf(e), paths)
    broken = 0
    for i in range(len(e)):
        scores = naive_scores(e[i], weights)
        kept = {p: s for p, s in scores.items() if valid(p)}
        assert 0 < len(kept) < len(scores)
        top = max(kept, key=kept.get)
        assert tuple(paths[i].tolist()) == top and best[i].item() == pytest.approx(kept[top])
        broken += not valid(max(scores, key=scores.get))
        log_z = torch.tensor(list(kept.values()), dtype=torch.float64).logsumexp(0)
        torch.testing.assert_close(chain_log_partition(e[i : i + 1], crf.weights)[0].detach(), log_z)
    assert broken > 5
    # Emissions beyond every penalty do not break the rules either.
    assert valid(crf(1e9 * e)[0].tolist())


def test_the_module_learns_that_tags_alternate():
    tags = torch.arange(6).expand(4, -1) % 2
    emissions = torch.zeros(4, 6, 2)
    emissions[:, 0, 0] = 1.0
    crf = LinearChainCRF(2)
    optimiser = torch.optim.Adam(crf.parameters(), 0.3)
    first, _ = crf.loss(emissions, tags)
    for _ in range(40):
        optimiser.zero_grad()
        total, weight = crf.loss(emissions, tags)
        (total / weight).backward()
        optimiser.step()
    assert total < 0.1 * first
    assert torch.equal(crf(emissions), tags)


def test_the_module_starts_from_zero_and_draws_nothing():
    before = torch.random.get_rng_state()
    crf = LinearChainCRF(3, iob2_allowed(["O", "B-A", "I-A"]))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all((p == 0).all() for p in crf.parameters())
    assert set(crf.state_dict()) == {"start", "between", "end"}


def test_half_precision_is_computed_in_single():
    e, weights = problem(dtype=torch.float32)
    low = chain_log_partition(e.bfloat16(), weights)
    assert low.dtype == torch.float32
    torch.testing.assert_close(low, chain_log_partition(e.bfloat16().float(), weights))


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda e, w: chain_log_partition(e[0], w), "emissions must have the shape"),
        (lambda e, w: chain_log_partition(e[:, :, :2], w), "emissions have 2 tags but the weights 3"),
        (lambda e, w: chain_log_partition(e, w, torch.ones(4, 4)), r"mask has the shape \(4, 4\)"),
        (lambda e, w: chain_loss(e, torch.full((4, 5), 3), w), r"tags must lie in \[0, 3\)"),
        (lambda e, w: chain_loss(e, torch.zeros(4, 4, dtype=torch.long), w), r"tags have the shape|mask has the shape"),
        (lambda e, w: iob2_allowed(["O", "S-A"]), "'S-A' is no tag of IOB2"),
        (lambda e, w: LinearChainCRF(0), "n_tags must be a whole number of at least 1"),
        (lambda e, w: LinearChainCRF(2, iob2_allowed(["O"])), r"allowed.start has the shape \(1,\)"),
    ],
)
def test_bad_input_gets_one_line(call, why):
    with pytest.raises(InputError, match=why):
        call(*problem())
