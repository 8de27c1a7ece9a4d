"""A trained network for all tests of hand-overs, small and made once."""

import pytest


@pytest.fixture(scope="session")
def digits():
    from landbridge.data import load_builtin

    return load_builtin("handwritten").take(range(900))


@pytest.fixture(scope="session")
def teacher(digits):
    """Trained on the first 400 digits; the rows from 600 on are held out in every test."""
    from landbridge.neural import NeuralClassifier

    model = NeuralClassifier("builtin", epochs=8, image_shape=(8, 8), device="cpu", random_state=0)
    return model.fit(digits.X[:400], digits.y[:400])


@pytest.fixture
def images(digits):
    """Held-out rows as the network takes them."""
    import torch

    return torch.tensor(digits.X[600:], dtype=torch.float32).reshape(-1, 1, 8, 8)


def save_tiny(kind, folder):
    """Save a model of transformers with random weights, tiny."""
    import torch
    import transformers

    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    level, bars = transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled()
    transformers.logging.disable_progress_bar()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            if kind == "vit":
                config = transformers.ViTConfig(**small, image_size=16, patch_size=8, num_channels=3)
                model = transformers.ViTModel(config)
            elif kind == "bert":
                model = transformers.BertModel(transformers.BertConfig(vocab_size=100, **small))
            else:
                config = transformers.ResNetConfig(
                    embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic"
                )
                model = transformers.ResNetModel(config)
            model.save_pretrained(folder)
    finally:
        transformers.logging.set_verbosity(level)
        if bars:
            transformers.logging.enable_progress_bar()


@pytest.fixture
def tiny(tmp_path):
    """Network and some rows: ``tiny("vit")``, ``tiny("bert")``, ``tiny("resnet")``, with a head of three outputs."""
    import torch

    pytest.importorskip("transformers", reason="needs the extra landbridge[neural]")
    from landbridge.neural import load_backbone

    def make(kind, n=6):
        folder = tmp_path / f"tiny-{kind}"
        save_tiny(kind, folder)
        network = load_backbone(folder)
        dice = torch.Generator().manual_seed(1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(2)
            network.replace_head(torch.nn.Linear(network.in_features, 3)).eval()
        if kind == "bert":
            mask = (torch.arange(8)[None] < torch.randint(3, 9, (n, 1), generator=dice)).long()
            return network, {"input_ids": torch.randint(3, 90, (n, 8), generator=dice), "attention_mask": mask}
        side = 16 if kind == "vit" else 24
        return network, torch.rand((n, 3, side, side), generator=dice) * 255

    return make
