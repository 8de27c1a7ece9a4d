"""Adaptation of networks: losses against finite differences and by hand, training with a seed, the right gradients."""

import inspect
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from landbridge.data import load_builtin
from landbridge.discrepancy import coral_loss as classical_coral
from landbridge.exceptions import InputError
from landbridge.neural import Batch, NeuralClassifier, feature, load_backbone
from landbridge.neural._method import Method
from landbridge.neural.feature import (
    CDAN,
    DANN,
    MCC,
    WDGRL,
    CentralMoments,
    DeepJDOT,
    FeatureDiscrepancy,
    central_moment_discrepancy,
    class_confusion,
    coral_loss,
    joint_mmd,
    linear_mmd,
    mean_entropy,
    mixed_kernel,
    multi_kernel_mmd,
    reverse_gradient,
    rise,
)

KINDS = {
    n: getattr(feature, n)
    for n in feature.__all__
    if inspect.isclass(getattr(feature, n)) and issubclass(getattr(feature, n), Method) and n != "FeatureDiscrepancy"
} | {"ADDA": lambda: feature.ADDA(40), "SHOT": lambda: feature.SHOT(2)}


def rows(n, d, seed, requires_grad=False):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, dtype=torch.float64, generator=g).requires_grad_(requires_grad)


def by_hand(Xs, Xt, scales=(0.25, 0.5, 1.0, 2.0, 4.0), unbiased=False):
    Z = np.concatenate([Xs, Xt])
    n, m = len(Xs), len(Xt)
    D = ((Z[:, None] - Z[None]) ** 2).sum(-1)
    width = D.sum() / (len(Z) * (len(Z) - 1))
    K = np.mean([np.exp(-D / (s * width)) for s in scales], axis=0)
    if unbiased:
        K = K - np.diag(np.diag(K))
        return K[:n, :n].sum() / n / (n - 1) + K[n:, n:].sum() / m / (m - 1) - 2 * K[:n, n:].mean(), K
    return K[:n, :n].mean() + K[n:, n:].mean() - 2 * K[:n, n:].mean(), K


@pytest.mark.parametrize("unbiased", [False, True])
def test_mmd_of_many_kernels_is_the_classical_one(unbiased):
    Xs, Xt = rows(7, 3, 0), rows(5, 3, 1) + 1
    wanted, _ = by_hand(Xs.numpy(), Xt.numpy(), unbiased=unbiased)
    assert float(multi_kernel_mmd(Xs, Xt, unbiased=unbiased)) == pytest.approx(wanted, abs=1e-9)


def test_joint_mmd_multiplies_kernels_and_the_linear_one_takes_pairs():
    A, B = (rows(6, 3, 0), rows(6, 2, 1)), (rows(4, 3, 2), rows(4, 2, 3))
    K = np.prod([by_hand(a.numpy(), b.numpy())[1] for a, b in zip(A, B, strict=True)], axis=0)
    wanted = K[:6, :6].mean() + K[6:, 6:].mean() - 2 * K[:6, 6:].mean()
    assert float(joint_mmd(A, B)) == pytest.approx(wanted)
    Xs, Xt = rows(1500, 2, 0), rows(1500, 2, 1) + 1
    assert float(linear_mmd(Xs, Xt)) == pytest.approx(float(multi_kernel_mmd(Xs, Xt)), abs=0.05)
    assert float(linear_mmd(Xs[:1], Xt)) == 0.0
    assert mixed_kernel(Xs[:3], Xt[:2]).shape == (3, 2)


def test_coral_is_the_classical_one():
    Xs, Xt = rows(30, 4, 0), 2 * rows(20, 4, 1)
    assert float(coral_loss(Xs, Xt)) == pytest.approx(
        ((np.cov(Xs.T.numpy()) - np.cov(Xt.T.numpy())) ** 2).sum() / (4 * 16)
    )
    assert float(coral_loss(Xs, Xt)) == pytest.approx(classical_coral(Xs.numpy(), Xt.numpy()), rel=0.2)


@pytest.mark.parametrize(
    "loss",
    [
        lambda a, b: coral_loss(a, b),
        lambda a, b: central_moment_discrepancy(a, b),
        lambda a, b: mean_entropy(a) + mean_entropy(b),
    ],
    ids=["coral", "moments", "entropy"],
)
def test_gradients_against_finite_differences(loss):
    assert torch.autograd.gradcheck(loss, (rows(5, 3, 0, True), rows(4, 3, 1, True)))


def test_gradients_with_constants_inside_against_finite_differences():
    """Bandwidths and row weights are constants to the gradient, so they are held while differences are taken."""
    Xs, Xt = rows(5, 3, 0, True), rows(4, 3, 1)
    width = torch.tensor(2.0, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda a: mixed_kernel(a, Xt, bandwidth=width), Xs)
    found = torch.autograd.grad(class_confusion(Xs), Xs)[0]
    with torch.no_grad():
        P = (Xs / 2.5).softmax(dim=1)
        w = 1 + torch.exp((P * P.log()).sum(dim=1))
        w = w / w.sum() * 5

    def held(x):
        P = (x / 2.5).softmax(dim=1)
        C = (P * w[:, None]).T @ P
        C = C / C.sum(dim=1, keepdim=True)
        return (C.sum() - C.diagonal().sum()) / 3

    step = torch.zeros(5, 3, dtype=torch.float64)
    for i in range(5):
        for j in range(3):
            step.zero_()[i, j] = 1e-6
            slope = (held(Xs.detach() + step) - held(Xs.detach() - step)) / 2e-6
            assert float(found[i, j]) == pytest.approx(float(slope), abs=1e-6)


def test_confusion_of_sure_and_of_unsure_answers():
    sure = 50.0 * torch.eye(3)[[0, 1, 2, 0]]
    assert float(class_confusion(sure)) == pytest.approx(0.0, abs=1e-5)
    assert float(class_confusion(torch.zeros(4, 3))) == pytest.approx(2 / 3, abs=1e-5)


def test_reversal_and_its_schedule():
    x = torch.ones(3, requires_grad=True)
    (2 * reverse_gradient(x, 0.25)).sum().backward()
    assert x.grad.tolist() == [-0.5] * 3
    assert rise(0.0) == 0.0 and rise(1.0) == pytest.approx(2 / (1 + np.exp(-10)) - 1)


@pytest.fixture(scope="module")
def pair():
    return load_builtin("printed").take(range(200)), load_builtin("handwritten").take(range(200))


@pytest.mark.parametrize("name", sorted(KINDS))
def test_trains_and_repeats_by_its_seed(name, pair):
    source, target = pair
    one, two = (
        NeuralClassifier("builtin", methods=[KINDS[name]()], epochs=3, image_shape=(8, 8), random_state=0).fit(
            source.X, source.y, X_target=target.X
        )
        for _ in range(2)
    )
    assert one.score(source.X, source.y) > 0.6
    np.testing.assert_array_equal(one.predict_proba(target.X), two.predict_proba(target.X))
    assert not len(one.network_.extras)


def batches(network, seed=0):
    g = torch.Generator().manual_seed(seed)
    found = []
    for shift in (0.0, 0.5):
        x = torch.rand(16, 1, 8, 8, generator=g) + shift
        logits, features = network(x, ("embedding",))
        found.append(Batch(x, torch.arange(16) % 10, logits, features))
    return found


@pytest.mark.parametrize("make", [DANN, CDAN, partial(WDGRL, gradient_penalty=0.0)], ids=["DANN", "CDAN", "WDGRL"])
def test_the_discriminator_learns_one_way_and_the_features_the_other(make):
    network = load_backbone("builtin")
    torch.manual_seed(0)
    network.replace_head(nn.Linear(network.in_features, 10))
    method = make(1.0, ramp_up=False)

    class Ten:
        n_outputs = 10

    method.prepare(network, Ten())
    network.eval()
    critic = list(network.extras["discriminator"].parameters())
    assert all(p.requires_grad for p in critic)

    def total():
        torch.manual_seed(1)
        return sum(method.loss(network, *batches(network), 1.0).values())

    before = total()
    stages = list(network.stages.parameters())
    grads = torch.autograd.grad(before, [*critic, *stages], allow_unused=True)
    step = 1e-3
    with torch.no_grad():
        for p, g in zip(critic, grads[: len(critic)], strict=True):
            p.sub_(step * g)
    assert float(total().detach()) < float(before.detach())  # a step of the discriminator makes its loss smaller
    with torch.no_grad():
        for p, g in zip(critic, grads[: len(critic)], strict=True):
            p.add_(step * g)
        for p, g in zip(stages, grads[len(critic) :], strict=True):
            if g is not None:
                p.sub_(step * g)
    assert float(total().detach()) > float(before.detach())  # and one of the features makes it larger


def test_without_a_target_there_is_nothing_to_add(pair):
    source, _ = pair
    plain = NeuralClassifier("builtin", methods=[MCC()], epochs=1, image_shape=(8, 8), random_state=0)
    assert plain.fit(source.X, source.y).predict(source.X).shape == (200,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: feature.DAN(0), "'strength'"),
        (lambda: DANN(width=0), "'width'"),
        (lambda: WDGRL(gradient_penalty=-1), "gradient_penalty"),
        (lambda: MCC(temperature=0), "temperature"),
        (lambda: CentralMoments(n_moments=0), "n_moments"),
        (lambda: DeepJDOT(feature_cost=0), "feature_cost"),
        (lambda: feature.EntropyMinimisation(-1), "strength"),
    ],
)
def test_arguments_at_fault_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call().validate_params()


def test_a_stage_that_is_not_there_is_named(pair):
    source, target = pair
    model = NeuralClassifier("builtin", methods=[feature.DAN(stages=("attic",))], epochs=1, image_shape=(8, 8))
    with pytest.raises(InputError, match="no stage 'attic'"):
        model.fit(source.X, source.y, X_target=target.X)
    assert issubclass(feature.DAN, FeatureDiscrepancy)
