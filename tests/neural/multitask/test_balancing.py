"""Balancing: each rule against its definition, worked by hand or by differences."""

import numpy as np
import pytest
import torch

from landbridge.exceptions import InputError
from landbridge.neural import Classification, Network, Regression
from landbridge.neural.multitask import (
    EqualWeights,
    GradNorm,
    MultiTaskNetwork,
    PCGrad,
    UncertaintyWeights,
    gradient_cosines,
    gradnorm_targets,
    project_conflicts,
    uncertainty_loss,
)


def vectors(n, d, seed=0):
    return list(torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)))


@pytest.fixture
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        body = Network({"low": torch.nn.Linear(4, 5), "high": torch.nn.Linear(5, 3)}, in_features=3).double()
    return MultiTaskNetwork(body, {"a": Regression(), "b": Regression()}, shared_until="low", random_state=0)


def losses_of(network, seed=0):
    x, y = (torch.randn(6, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) for d in (4, 2))
    logits = network({"a": x, "b": x})
    return torch.stack([((logits[n][:, 0] - y[:, i]) ** 2).mean() for i, n in enumerate(("a", "b"))])


def test_uncertainty_loss_and_its_slopes():
    regression = torch.tensor([True, False, True])
    L, s = np.array([0.7, 1.3, 2.0]), np.array([0.2, -0.5, 1.0])

    def by_hand(L, s):
        # sigma^2 in the paper's own terms: 1/(2 sigma^2) L + log sigma, and 1/sigma^2 L + log sigma
        var = np.exp(s)
        return L[0] / (2 * var[0]) + L[1] / var[1] + L[2] / (2 * var[2]) + np.log(np.sqrt(var)).sum()

    tensors = [torch.tensor(v, requires_grad=True) for v in (L, s)]
    value = uncertainty_loss(*tensors, regression)
    value.backward()
    assert float(value.detach()) == pytest.approx(by_hand(L, s))
    for k, tensor in enumerate(tensors):
        for i in range(3):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [L.copy(), s.copy()]
                moved[k][i] += step
                ends.append(by_hand(*moved))
            assert float(tensor.grad[i]) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)


def test_variances_settle_where_the_loss_has_its_minimum(network):
    balance = UncertaintyWeights(learning_rate=0.05)
    balance.start([True, False], dtype=torch.float64)
    for _ in range(800):
        leaf = torch.tensor([0.3, 0.3], dtype=torch.float64, requires_grad=True)
        balance.backward(leaf, network)
    # e^s = L for squared errors and 2 L for cross-entropies: both terms then weigh 1 / (2 L)
    np.testing.assert_allclose(torch.exp(balance.log_variances).detach(), [0.3, 0.6], rtol=1e-3)
    np.testing.assert_allclose(balance.weights, [1 / 0.6, 1 / 0.6], rtol=1e-3)
    np.testing.assert_allclose(leaf.grad, balance.weights, rtol=1e-2)


def test_projection_of_two_vectors_by_hand():
    a, b = torch.tensor([2.0, 1.0]), torch.tensor([-1.0, 1.0])
    # a.b = -1, |a|^2 = 5, |b|^2 = 2: a + b/2 = (1.5, 1.5), b + a/5 = (-0.6, 1.2)
    torch.testing.assert_close(project_conflicts([a, b]), torch.tensor([0.9, 2.7]))
    torch.testing.assert_close(a, torch.tensor([2.0, 1.0]))  # not changed


def test_projection_leaves_agreement_alone():
    a, b, c = torch.tensor([1.0, 0.0]), torch.tensor([1.0, 2.0]), torch.tensor([0.0, 1.0])
    assert torch.equal(project_conflicts([a, b, c]), a + b + c)
    assert torch.equal(project_conflicts([a, torch.zeros(2)]), a)
    with pytest.raises(InputError, match="grads is empty"):
        project_conflicts([])


def test_after_projection_no_two_tasks_conflict():
    for seed in range(20):
        a, b = vectors(2, 5, seed)
        joint = project_conflicts([a, b], torch.Generator().manual_seed(seed))
        assert joint.dot(a) >= -1e-12 and joint.dot(b) >= -1e-12
    grads = [torch.tensor(v) for v in ([1.0, 0.0], [-0.6, 0.9], [-0.5, -0.8])]
    orders = {tuple(project_conflicts(grads, torch.Generator().manual_seed(s)).tolist()) for s in range(6)}
    assert len(orders) > 1  # with more than two tasks the order matters, and is drawn
    one, two = (project_conflicts(grads, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(one, two)


def test_pcgrad_projects_shared_gradients_and_leaves_the_rest(network):
    one, two = network.column("a"), network.column("b")
    for name in ("high", "head"):
        two.part(name).load_state_dict(one.part(name).state_dict())

    def losses():
        x, y = (torch.randn(6, d, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) for d in (4, 1))
        logits = network({"a": x, "b": x})
        return torch.stack([(logits["a"] - 9 * y).square().mean(), (logits["b"] + 3 * y - 1).square().mean()])

    shared, own = network.shared_parameters(), one.head.weight
    grads = [torch.cat([g.flatten() for g in torch.autograd.grad(v, shared, retain_graph=True)]) for v in losses()]
    assert grads[0].dot(grads[1]) < 0
    balance = PCGrad()
    balance.start([True, True], random_state=3)
    balance.backward(losses(), network)
    found = torch.cat([p.grad.flatten() for p in shared])
    torch.testing.assert_close(found, project_conflicts(grads))
    assert not torch.allclose(found, grads[0] + grads[1])
    torch.testing.assert_close(own.grad, torch.autograd.grad(losses()[0], own)[0])


def test_gradnorm_gives_the_slow_task_weight():
    balance = GradNorm()
    balance.start([True, False, True], dtype=torch.float64)
    norms, losses = torch.ones(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    for step in range(30):
        balance.update(norms, losses)
        assert float(balance.weights.sum()) == pytest.approx(3.0)
        assert (balance.weights > 0).all()
        losses = torch.tensor([1.0 - 0.001 * step, 0.95**step, 0.9**step], dtype=torch.float64)
    assert balance.weights[0] > 1.2 > balance.weights[1] > balance.weights[2]


def test_gradnorm_makes_gradients_equally_long_where_all_learn_alike():
    balance = GradNorm(asymmetry=0.0, learning_rate=0.01)
    balance.start([True, True], dtype=torch.float64)
    norms = torch.tensor([1.0, 3.0], dtype=torch.float64)
    for _ in range(600):
        balance.update(norms, torch.ones(2, dtype=torch.float64))
    np.testing.assert_allclose(balance.weights, [1.5, 0.5], atol=0.02)


def test_gradnorm_targets_by_hand():
    found = gradnorm_targets(torch.tensor([2.0, 4.0]), torch.tensor([1.0, 3.0]), torch.tensor([2.0, 2.0]), 1.5)
    torch.testing.assert_close(found, 3.0 * torch.tensor([0.5, 1.5]) ** 1.5)


def test_gradnorm_reads_the_last_shared_stage(network):
    balance = GradNorm()
    balance.start([True, True], dtype=torch.float64)
    losses = losses_of(network)
    last = network.last_shared_parameters()
    assert {id(p) for p in last} == {id(p) for p in network.column("a").part("low").parameters()}
    slopes = [torch.autograd.grad(loss, last, retain_graph=True) for loss in losses_of(network)]
    norms = [float(torch.cat([g.flatten() for g in found]).norm()) for found in slopes]
    balance.backward(losses, network)
    louder = int(norms[1] > norms[0])
    assert balance.weights[louder] < 1.0 < balance.weights[1 - louder]
    assert all(p.grad is not None for p in network.parameters())


def test_equal_weights_are_the_sum(network):
    balance = EqualWeights()
    balance.start([True, True], dtype=torch.float64)
    balance.backward(losses_of(network), network)
    p = network.shared_parameters()[0]
    wanted = torch.autograd.grad(losses_of(network).sum(), p)[0]
    torch.testing.assert_close(p.grad, wanted)
    assert repr(balance) == "EqualWeights()"


def test_cosines():
    a, b = vectors(2, 6)
    C = gradient_cosines([a, b, torch.zeros_like(a)])
    assert float(C[0, 1]) == pytest.approx(float(a @ b / (a.norm() * b.norm())))
    assert C[2].tolist() == [0.0, 0.0, 0.0]


def test_one_task_needs_no_balance():
    body = Network({"low": torch.nn.Linear(4, 3)}, in_features=3).double()
    network = MultiTaskNetwork(body, {"a": Classification([0, 1])}, random_state=0)
    for balance in (GradNorm(), PCGrad(), EqualWeights()):
        balance.start([False], dtype=torch.float64)
        network.zero_grad()
        loss = network({"a": torch.ones(2, 4, dtype=torch.float64)})["a"].square().mean()[None]
        balance.backward(loss, network)
        assert all(p.grad is not None for p in network.parameters())
        assert balance.weights.tolist() == [1.0]


def test_pcgrad_draws_its_orders_from_its_seed():
    tasks = {name: Regression() for name in "abc"}
    network = MultiTaskNetwork(
        Network({"low": torch.nn.Linear(2, 1, bias=False)}, in_features=1), tasks, random_state=0
    )
    weight = network.shared_parameters()[0]
    directions = torch.tensor([[1.0, 0.0], [-0.6, 0.9], [-0.5, -0.8]])
    seen = []
    for seed in (0, 0, 1, 2, 3, 4):
        balance = PCGrad()
        balance.start([True] * 3, random_state=seed)
        heads = torch.stack([network.column(n).head.weight.sum() for n in "abc"])
        balance.backward(directions @ weight[0] + heads, network)
        seen.append(tuple(weight.grad.flatten().tolist()))
    assert seen[0] == seen[1] and len(set(seen)) > 1
