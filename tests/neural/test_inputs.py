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
