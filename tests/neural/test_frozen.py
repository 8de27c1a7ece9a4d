import numpy as np
import pytest

from landbridge.exceptions import InputError
from landbridge.neural._frozen import frozen_features, frozen_size


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    transformers = pytest.importorskip("transformers")
    import torch

    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("vit")
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8
    )
    transformers.ViTModel(config).save_pretrained(place)
    return str(place)


def test_features_do_not_depend_on_the_images_beside(folder):
    pixels = np.random.default_rng(0).integers(0, 256, (70, 32, 32, 3), dtype=np.uint8)
    X = frozen_features(folder, pixels)
    assert frozen_size(folder) == (32, 32) and X.shape == (70, 16) and X.std() > 0.02
    np.testing.assert_allclose(X[66:], frozen_features(folder, pixels[66:]), atol=3e-5)


def test_grey_images_are_those_of_equal_channels(folder):
    grey = np.random.default_rng(1).integers(0, 256, (3, 32, 32), dtype=np.uint8)
    np.testing.assert_array_equal(
        frozen_features(folder, grey), frozen_features(folder, np.repeat(grey[..., None], 3, 3))
    )


def test_a_network_of_other_input_is_refused(tmp_path):
    transformers = pytest.importorskip("transformers")
    config = transformers.Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, conv_dim=(8,),
        conv_stride=(5,), conv_kernel=(10,), num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    transformers.Wav2Vec2Model(config).save_pretrained(tmp_path)
    with pytest.raises(InputError, match="takes no images"):
        frozen_size(str(tmp_path))
