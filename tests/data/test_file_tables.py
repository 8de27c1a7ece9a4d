import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.io import wavfile

from landbridge.data import read_audio
from landbridge.data._file_tables import file_column, list_files_of_csv
from landbridge.data._images import read_images
from landbridge.exceptions import LabelError, ReadError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pics").mkdir()
    for i in range(3):
        Image.fromarray(np.full((8, 8), i * 40, np.uint8)).save(tmp_path / "pics" / f"{i}.png")
        wavfile.write(tmp_path / f"{i}.wav", 8000, np.sin(np.arange(800) * 0.1 * (i + 1)))
    return tmp_path


def table(**columns):
    return pd.DataFrame(columns)


@pytest.mark.parametrize(
    "cells",
    [
        ["pics/2.png", "pics/0.png"],
        ["pics\\2.png", " pics\\0.png "],
        ["pics/2", "pics/0"],
        ["./pics/2.png", "pics/../pics/0.png"],
    ],
)
def test_images_of_a_table(folder, cells):
    frame = table(Image_Path=cells, label=["a", None])
    listing, kind = list_files_of_csv(frame, folder, column="Image_Path")
    pictures = read_images(listing, (4, 4))
    assert kind == "images" and pictures.y.tolist() == ["a", None]
    np.testing.assert_allclose(pictures.X.mean(axis=1), [80 / 255, 0.0])


def test_absolute_paths_and_sounds(folder):
    frame = table(wav=[str(folder / "0.wav"), "1.wav"], emotion=["sad", "glad"], speaker=[1, 2])
    listing, kind = list_files_of_csv(frame, folder, label="emotion")
    sounds = read_audio(listing)
    assert kind == "audio" and sounds.y.tolist() == ["sad", "glad"] and sounds.names[1] == "1.wav"
    assert "Column speaker of the table of files not used." in sounds.notes
    assert list_files_of_csv(frame, folder)[0].y is None  # two columns could be the label
    assert list_files_of_csv(frame[["wav", "emotion"]], folder)[0].y.tolist() == ["sad", "glad"]


def test_missing_files_are_counted(folder):
    frame = table(file=["pics/0.png", "pics/7.png", "pics/8.png"], y=[0, 1, 1])
    with pytest.raises(ReadError, match=r"2 of 3 cells of column 'file' name no file in .*, such as pics/7\.png"):
        list_files_of_csv(frame, folder)
    with pytest.raises(ReadError, match="such as an empty cell"):
        list_files_of_csv(table(file=["pics/0.png", None], y=[0, 1]), folder)
    with pytest.raises(ReadError, match="Download files from the web first"):
        list_files_of_csv(table(file=["https://x.org/0.png"], y=[0]), folder)


def test_which_column_names_files():
    files = ["a.jpg", "b.JPEG"]
    assert file_column(table(FileName=files, label=[0, 1])) == "FileName"
    assert file_column(table(photo=files, label=[0, 1])) == "photo"
    assert file_column(table(image=[0.1, 0.2], label=[0, 1])) is None
    assert file_column(table(path=["home", "work"], label=[0, 1])) is None
    assert file_column(table(before=files, after=files)) is None
    assert file_column(table(before=files, file=files)) == "file"
    with pytest.raises(ReadError, match="no column of the table names image or sound files"):
        list_files_of_csv(table(x=[1]), ".")


def test_label_columns(folder):
    frame = table(file=["pics/0.png", "pics/0.png"], y=[0, 1], label=[1, 1])
    with pytest.raises(LabelError, match="several columns could be the label, y, label"):
        list_files_of_csv(frame, folder)
    with pytest.raises(LabelError, match="no column of the table"):
        list_files_of_csv(frame, folder, label="class")
    listing, _ = list_files_of_csv(frame, folder, label="y")
    assert "1 of 2 rows name a file that an earlier row names." in listing.notes
