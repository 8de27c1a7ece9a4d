"""Images: read by Pillow, cut as the backbone wants, normalised."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from PIL import Image  # noqa: E402

from landbridge.exceptions import InputError, ReadError  # noqa: E402
from landbridge.neural.backbones._images import ImageInput, read_image, read_images  # noqa: E402


@pytest.fixture
def folder(tmp_path):
    dice = np.random.default_rng(0)
    for i, size in enumerate([(20, 30), (40, 16), (8, 8)]):
        Image.fromarray(dice.integers(0, 255, (*size, 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
    return tmp_path


def test_shapes_and_the_middle_is_kept(folder):
    images, read = read_images(sorted(folder.glob("*.png")), (12, 12), edge=16)
    assert images.shape == (3, 3, 12, 12) and images.dtype == torch.uint8 and read == [0, 1, 2]
    wide = Image.new("L", (40, 20), 0)
    wide.paste(255, (10, 0, 30, 20))
    wide.save(folder / "wide.png")
    assert read_image(folder / "wide.png", (20, 20), edge=20, channels=1).min() == 255
    assert read_image(folder / "wide.png", (20, 20), channels=1).min() == 0


def test_a_corrupt_image_is_named_and_skipped_only_by_flag(folder):
    (folder / "1.png").write_bytes(b"no image")
    paths = sorted(folder.glob("*.png"))
    with pytest.raises(ReadError, match=r"1\.png cannot be read.*skip_corrupt=True") as caught:
        read_images(paths, (8, 8))
    assert "\n" not in str(caught.value)
    assert read_images(paths, (8, 8), skip_corrupt=True)[1] == [0, 2]
    data = (folder / "0.png").read_bytes()
    (folder / "0.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(ReadError, match=r"0\.png cannot be read"):
        read_images([folder / "0.png"], (8, 8))


def test_preparation_by_hand():
    prepare = ImageInput((4, 4), (0.1, 0.2, 0.3), (0.5, 0.5, 0.25))
    x = torch.randint(0, 255, (2, 3, 4, 4), dtype=torch.uint8)
    mean, std = torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1), torch.tensor([0.5, 0.5, 0.25]).view(3, 1, 1)
    assert torch.allclose(prepare(x), (x / 255 - mean) / std)
    grey = torch.full((1, 1, 8, 8), 51.0)
    assert torch.allclose(prepare(grey), ((0.2 - mean) / std).expand(1, 3, 4, 4), atol=1e-6)
    with pytest.raises(InputError, match="2 channels"):
        prepare(torch.zeros(1, 2, 4, 4))


@pytest.mark.parametrize(("top", "found"), [(1.0, 1.0), (0.7, 1.0), (16.0, 16.0), (200.0, 255.0), (4000.0, 65535.0)])
def test_the_brightest_dot(top, found):
    prepare = ImageInput((4, 4))
    prepare.learn(torch.tensor([0.0, top]).view(1, 1, 1, 2))
    assert float(prepare.brightest) == found


@pytest.mark.parametrize(
    ("config", "size", "edge"),
    [
        (
            {"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": {"height": 224, "width": 224}},
            (224, 224),
            256,
        ),
        ({"size": {"height": 384, "width": 384}}, (384, 384), None),
        ({"size": {"shortest_edge": 224}, "crop_pct": 0.875}, (224, 224), 256),
        ({"size": 224}, (224, 224), None),
        ({"size": 256, "do_center_crop": True, "crop_size": 224}, (224, 224), 256),
    ],
)
def test_processor_files(config, size, edge):
    prepare = ImageInput.of(config)
    assert prepare.size == size and prepare.edge == edge


def test_tables_and_networks_read_the_same_pixels(tmp_path):
    from landbridge.data._images import read_images as read_for_tables

    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    clear = np.dstack([ramp, ramp, ramp, np.where(ramp > 90, 255, 0).astype(np.uint8)])
    mark = Image.Exif()
    mark[0x0112] = 3
    Image.fromarray(ramp.astype(np.uint16) * 257).save(tmp_path / "a.png")
    Image.fromarray(clear).save(tmp_path / "b.png")
    Image.fromarray(ramp).save(tmp_path / "c.jpg", exif=mark, quality=100)
    Image.fromarray((ramp / 255).astype(np.float32)).save(tmp_path / "d.tif")
    Image.fromarray((ramp * 10.0).astype(np.float32)).save(tmp_path / "e.tif")
    files = sorted(tmp_path.iterdir())
    images, _ = read_images(files, (16, 16))
    table = read_for_tables(tmp_path, (16, 16), "RGB").X.reshape(5, 16, 16, 3)
    np.testing.assert_allclose(np.moveaxis(images.numpy(), 1, 3) / 255, table, atol=0.005)


def test_the_range_of_deep_pixels_is_remembered(tmp_path):
    from landbridge.problem._model_target import NetworkReader

    ramp = np.arange(256).reshape(16, 16)
    Image.fromarray((ramp * 10.0).astype(np.float32)).save(tmp_path / "a.tif")
    Image.fromarray((ramp * 1.0).astype(np.float32)).save(tmp_path / "b.tif")
    reader = NetworkReader((16, 16), None, 2, 1)
    X, _ = reader.files([tmp_path / "a.tif", tmp_path / "b.tif"])
    assert "2 of 2 images have floating-point pixels" in reader.notes[0]
    np.testing.assert_array_equal(reader.read(tmp_path / "b.tif")[0][0], X[1])
