"""What a caller may give: image files, texts, sounds, arrays in their own shape."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
transformers = pytest.importorskip("transformers", reason="networks need the extra landbridge[neural]")
from PIL import Image  # noqa: E402
from sklearn.model_selection import cross_val_score  # noqa: E402

from landbridge.exceptions import InputError, LabelError, ReadError  # noqa: E402
from landbridge.neural import NeuralClassifier, load_backbone  # noqa: E402

T = transformers
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


@pytest.fixture(scope="module")
def vit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vit")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        T.ViTModel(T.ViTConfig(**SMALL, image_size=16, patch_size=8)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "film", "very"]
    (folder / "vocab.txt").write_text("\n".join(words))
    T.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        T.BertModel(T.BertConfig(**SMALL, vocab_size=8, max_position_embeddings=16)).save_pretrained(folder)
    return folder


def test_image_files_in_estimator_and_cross_validation(vit, tmp_path):
    dice = np.random.default_rng(0)
    paths, labels = [], []
    for i in range(16):
        dots = dice.integers(0, 80, (20, 24, 3), dtype=np.uint8) + np.uint8(150 * (i % 2))
        Image.fromarray(dots).save(tmp_path / f"{i}.png")
        paths.append(tmp_path / f"{i}.png")
        labels.append(["dark", "bright"][i % 2])
    model = NeuralClassifier(vit, epochs=15, batch_size=8, learning_rate=0.01, device="cpu", random_state=0).fit(
        paths, labels
    )
    assert model.score(paths, labels) == 1.0
    assert NeuralClassifier(device="cpu", random_state=0).fit(paths, labels).score(paths, labels) == 1.0
    scores = cross_val_score(model, np.array([str(p) for p in paths]), labels, cv=2)
    assert scores.mean() > 0.8
    (tmp_path / "3.png").write_bytes(b"")
    with pytest.raises(ReadError, match=r"3\.png cannot be read"):
        model.predict(paths)


def test_texts(bert):
    texts = ["very good film", "good film", "very bad film", "bad film"] * 4
    labels = [1, 1, 0, 0] * 4
    model = NeuralClassifier(bert, epochs=15, batch_size=8, learning_rate=0.01, device="cpu", random_state=0).fit(
        texts, labels
    )
    assert model.predict(["good very film", "film bad"]).tolist() == [1, 0]
    net = load_backbone(bert)
    short = net.embed(net.preprocess(net.preprocess.read(["good film"])))
    padded = net.embed(net.preprocess(net.preprocess.read(["good film", "very very very good film"])))[:1]
    assert torch.allclose(short, padded, atol=1e-5)


def test_sounds(tmp_path):
    from scipy.io import wavfile

    from landbridge.neural.backbones._words import AudioInput

    t = np.arange(8000) / 8000
    wavfile.write(tmp_path / "a.wav", 8000, (np.sin(2 * np.pi * 440 * t) * 20000).astype(np.int16))
    read = AudioInput(16000).read([tmp_path / "a.wav"])
    assert read.shape == (1, 16000)
    spectrum = torch.fft.rfft(read[0]).abs()
    assert int(spectrum.argmax()) == 440
    prepared = AudioInput(16000)(read)
    assert float(prepared.mean()) == pytest.approx(0, abs=1e-4) and float(prepared.std()) == pytest.approx(1, abs=1e-2)
    (tmp_path / "b.wav").write_bytes(b"no sound")
    with pytest.raises(ReadError, match=r"b\.wav cannot be read"):
        AudioInput().read([tmp_path / "b.wav"])


def test_a_sound_is_prepared_alike_beside_longer_ones(tmp_path):
    from scipy.io import wavfile

    from landbridge.neural.backbones._transformers import _network
    from landbridge.neural.backbones._words import AudioInput

    rng = np.random.default_rng(0)
    paths = []
    for i, n in enumerate((3000, 5000, 90)):
        paths.append(tmp_path / f"{i}.wav")
        wavfile.write(paths[-1], 16000, (rng.normal(size=n) * 3000 + 500).astype(np.int16))
    conv = {"conv_dim": (8, 8), "conv_stride": (5, 4), "conv_kernel": (10, 4), "num_feat_extract_layers": 2}
    config = T.Wav2Vec2Config(**SMALL, **conv, num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = _network(T.AutoModel.from_config(config), AudioInput(16000), True).eval()
    together = net.preprocess.read(paths)
    assert together.shape == (3, 5000) and net.preprocess.lengths(together).tolist() == [3000, 5000, 1600]
    with torch.no_grad():
        for i, path in enumerate(paths):
            alone = net.preprocess.read([path])
            n = alone.shape[1]
            assert torch.allclose(net.preprocess(together)[i, :n], net.preprocess(alone)[0], atol=1e-6)
            assert torch.allclose(net.embed(together)[i], net.embed(alone)[0], atol=1e-6)
            assert torch.allclose(net(together)[i], net(alone)[0], atol=1e-6)
    prepared = net.preprocess(together)[0, :3000]
    assert float(prepared.mean()) == pytest.approx(0, abs=1e-4) and float(prepared.std()) == pytest.approx(1, abs=1e-2)


def colours(n=24, size=12):
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    return (rng.integers(0, 90, (n, size, size, 3)) + 150 * y[:, None, None, None]).astype(np.uint8), y


def small(**settings):
    return NeuralClassifier(epochs=4, batch_size=8, device="cpu", random_state=0, **settings)


@pytest.mark.parametrize("turn", [lambda X: np.moveaxis(X, 3, 1), list, torch.from_numpy, lambda X: X.astype(float)])
def test_images_in_any_order_and_container(turn):
    X, y = colours()
    expected = small().fit(X, y).predict_proba(X)
    given = turn(X)
    model = small().fit(given, y, X_target=given)
    np.testing.assert_allclose(model.predict_proba(given), expected, atol=1e-4)
    np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-4)


def test_grey_images_with_channels_first():
    X, y = colours()
    grey = X[..., 0]
    expected = small().fit(grey, y).predict_proba(grey)
    np.testing.assert_allclose(small().fit(grey[:, None], y).predict_proba(grey[..., None]), expected, atol=1e-5)


def test_pillow_images_and_images_of_different_sizes():
    X, y = colours()
    images = [Image.fromarray(x) for x in X]
    assert small().fit(images, y).score(X, y) == 1.0
    with pytest.raises(InputError, match="X holds images of different shapes"):
        small().fit([*X[:-1], X[-1][:5]], y)


def test_other_numbers_of_channels():
    from torch import nn

    from landbridge.neural.backbones import module_backbone

    def net():
        return module_backbone(
            nn.Sequential(nn.Conv2d(5, 4, 3), nn.AdaptiveAvgPool2d(1)), example=torch.zeros(2, 5, 9, 9)
        )

    X, y = np.random.default_rng(0).random((8, 5, 9, 9)), np.arange(8) % 2
    model = small(backbone=net()).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(np.moveaxis(X, 1, 3)), model.predict_proba(X))
    with pytest.raises(InputError, match=r"the network takes 5 channels; give \(n, height, width, 5\)"):
        small(backbone=net()).fit(X[:, :4], y)


@pytest.mark.parametrize(("learned", "given"), [(1, 255), (255, 1)])
def test_images_of_another_scale_are_converted_and_said(learned, given):
    X, y = colours()
    scaled = {255: X, 1: X / 255.0}
    model = small().fit(scaled[learned], y)
    expected = model.predict_proba(scaled[learned])
    with pytest.warns(UserWarning, match="X has pixels from 0 to"):
        found = model.predict_proba(scaled[given])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    with pytest.warns(UserWarning, match="X_target has pixels from 0 to"):
        model.adapt(scaled[given], y)
    with pytest.warns(UserWarning, match="X_target has pixels from 0 to"):
        small().fit(scaled[learned], y, X_target=scaled[given])
    flat = small(image_shape=(12, 12, 3)).fit(scaled[learned].reshape(len(X), -1), y)
    with pytest.warns(UserWarning, match="X has pixels from 0 to"):
        flat.predict(scaled[given].reshape(len(X), -1))


def test_unclear_scales_are_refused():
    X, y = colours()
    model = small().fit((X / 127.5) - 1, y)
    with pytest.raises(InputError, match="bring them to the same scale"):
        model.predict(X)


def test_what_does_not_fit_is_said(vit):
    model = NeuralClassifier("mlp", device="cpu")
    with pytest.raises(InputError, match="tables of numbers only"):
        model.fit(["a text", "another"], [0, 1])
    with pytest.raises(ReadError, match="image a text cannot be read"):
        NeuralClassifier(device="cpu").fit(["a text", "another"], [0, 1])
    with pytest.raises(LabelError, match="y has shape"):
        NeuralClassifier(vit, device="cpu").fit(np.zeros((3, 16, 16, 3)), [0, 1])
    with pytest.raises(InputError, match="NaN or infinity"):
        NeuralClassifier(vit, device="cpu").fit(np.full((2, 16, 16, 3), np.nan), [0, 1])
