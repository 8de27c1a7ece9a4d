import numpy as np
import pytest
from PIL import Image


def write_camera(folder, rng, light, n=24):
    """Photographs of parts, scratched or intact: 16-bit PNG, transparency, EXIF orientation, and plain ones."""
    for kind in ("intact", "scratch"):
        (folder / kind).mkdir(parents=True)
        for i in range(n):
            grey = 0.35 + light + 0.05 * rng.normal(size=(40, 40))
            if kind == "scratch":
                row = rng.integers(8, 32)
                grey[row : row + 2, 5:35] += 0.4
            grey = np.clip(grey, 0, 1)
            path = folder / kind / f"{i:02d}.png"
            if i % 4 == 0:
                Image.fromarray((grey * 65535).astype(np.uint16)).save(path)
            elif i % 4 == 1:
                layers = np.dstack([grey, grey, grey, np.ones_like(grey)]) * 255
                layers[:4, :, 3] = 0
                Image.fromarray(layers.astype(np.uint8), "RGBA").save(path)
            elif i % 4 == 2:
                Image.fromarray((grey * 255).astype(np.uint8)).save(path)
            else:
                exif = Image.Exif()
                exif[0x0112] = 6
                image = Image.fromarray((grey * 255).astype(np.uint8))
                image.save(path.with_suffix(".JPG"), exif=exif, quality=95, format="JPEG")


@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated:DeprecationWarning")
def test_an_inspector_transfers_between_two_cameras(desk):
    """An inspector of parts has photographs of two cameras in folders by class; one photograph is damaged.

    The damaged one is named, and skipped on request in the run and in the prediction; the kinds of files are noted.
    """
    rng = np.random.default_rng(4)
    write_camera(desk.folder / "camera 1", rng, 0.0)
    write_camera(desk.folder / "camera 2", rng, 0.25)
    whole = (desk.folder / "camera 2/intact/01.png").read_bytes()
    (desk.folder / "camera 2/intact/05.png").write_bytes(whole[:200])
    (desk.folder / "camera 2/Thumbs.db").write_bytes(b"x")
    before = desk.checksums()

    failed = desk.run("inspect", "camera 1", "camera 2", code=2)
    assert failed.stderr.count("\n") == 1 and "intact/05.png is no image that can be read" in failed.said
    assert "--skip-corrupt" in failed.said

    seen = desk.run("inspect", "camera 1", "camera 2", "--skip-corrupt")
    assert "Target camera 2: 47 samples; labels scratch: 24, intact: 23" in seen.text
    assert "1 of 48 images cannot be read and is skipped: intact/05.png (target)." in seen.text
    assert "12 of 48 images have pixels of more than 8 bits" in seen.text
    assert "12 of 48 images have a transparent ground; drawn on white" in seen.text
    assert "12 of 48 images have an EXIF orientation; turned upright" in seen.text

    words = ["--skip-corrupt", "--target-labels", "hide"]
    run = desk.transfer("camera 1", "camera 2", *words, "--assume", "shares-kept")
    scores = {c["name"]: c["hidden"]["value"] for c in run.result["candidates"] if c.get("hidden")}
    assert scores["CORAL"] > 0.9 > 0.7 > scores["source-only"]
    assert run.result["settings"]["read_options"] == {"skip_corrupt": True} and "intact/05.png" in run.report
    assert "skip-corrupt = true" in (desk.folder / "result" / "run.toml").read_text()

    done = desk.predict("camera 2")
    assert len(done.rows) == 47 and "intact/05.png" not in {r["row"] for r in done.rows}
    if run.result["decision"]["transferred"]:
        assert np.mean([r["row"].startswith(r["label"]) for r in done.rows]) > 0.9
    desk.assert_kept(before)


def test_skipping_applies_to_files_of_images_only(desk):
    """The inspector gives a table with the option for images, and learns that it does not apply."""
    (desk.folder / "a.csv").write_text("x,y\n1,a\n2,b\n")
    failed = desk.run("inspect", "a.csv", "--skip-corrupt", code=2)
    assert failed.stderr.count("\n") == 1 and "applies to images and sounds" in failed.said
