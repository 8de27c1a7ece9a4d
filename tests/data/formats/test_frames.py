import numpy as np
import pandas as pd
import pytest

from landbridge.data.formats._frames import as_table
from landbridge.exceptions import InputError

HELD = {"a": [1.5, 2.5], "b": ["x", "y"]}


@pytest.mark.parametrize("thing", ["data.csv", None, np.eye(2), [1, 2], {"a": [1]}, 5, pd.Series([1]), object()])
def test_other_things_are_none(thing):
    assert as_table(thing) is None


def test_pandas_is_returned_as_it_is():
    frame = pd.DataFrame(HELD)
    assert as_table(frame) is frame


@pytest.mark.parametrize("lazy", [False, True])
def test_polars(lazy):
    polars = pytest.importorskip("polars")
    frame = polars.LazyFrame(HELD) if lazy else polars.DataFrame(HELD)
    assert as_table(frame).to_dict("list") == HELD


def test_arrow():
    pa = pytest.importorskip("pyarrow")
    assert as_table(pa.table(HELD)).to_dict("list") == HELD
    assert as_table(pa.RecordBatch.from_pydict(HELD)).to_dict("list") == HELD


def test_protocols():
    pa = pytest.importorskip("pyarrow")

    class Stream:
        columns = ("a", "b")

        def __arrow_c_stream__(self, requested_schema=None):
            return pa.table(HELD).__arrow_c_stream__(requested_schema)

    class Interchange:
        def __dataframe__(self, nan_as_null=False, allow_copy=True):
            return pa.table(HELD).__dataframe__(nan_as_null, allow_copy)

    for thing in (Stream(), Interchange()):
        assert as_table(thing).to_dict("list") == HELD


def test_narwhals():
    narwhals = pytest.importorskip("narwhals")
    assert as_table(narwhals.from_native(pd.DataFrame(HELD))).to_dict("list") == HELD


@pytest.mark.filterwarnings("ignore")
def test_hugging_face():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"a": datasets.Value("float64"), "label": datasets.ClassLabel(names=["no", "yes"])})
    data = datasets.Dataset.from_dict({"a": [1.5, 2.5, 3.5], "label": [0, 1, -1]}, features=features)
    frame = as_table(data)
    assert frame["a"].tolist() == [1.5, 2.5, 3.5] and frame["label"].tolist()[:2] == ["no", "yes"]
    assert frame["label"].isna().tolist() == [False, False, True]
    with pytest.raises(InputError, match="holds the splits 'train', 'test'; give one of them"):
        as_table(datasets.DatasetDict({"train": data, "test": data}), "source")
    with pytest.raises(InputError, match="stream"):
        as_table(data.to_iterable_dataset())


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="needs the extra landbridge[neural]")


def test_torch(torch):
    X, y = torch.arange(6.0).reshape(3, 2), torch.tensor([0, 1, 1])
    data = torch.utils.data.TensorDataset(X, y)

    class Pairs(torch.utils.data.Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return X[i], int(y[i])

    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter([(X[i].numpy(), y[i]) for i in range(3)])

    for thing in (data, Pairs(), Stream(), torch.utils.data.DataLoader(data, batch_size=2, shuffle=True)):
        held, labels = as_table(thing)
        assert held.tolist() == X.tolist() and labels.tolist() == [0, 1, 1]
    held, labels = as_table(torch.utils.data.TensorDataset(X))
    assert held.shape == (3, 2) and labels is None


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "empty data set"),
        ([(1.0, 2, 3)], "pairs of a sample and a label; got tuple of 3"),
        ([([1.0], 0), ([1.0, 2.0], 1)], "samples of different shapes"),
        ([("text", 0)], "samples of numbers"),
        ([([1.0], [0, 1])], "one label per sample"),
    ],
)
def test_torch_data_that_cannot_be_used(torch, items, message):
    class Items(torch.utils.data.Dataset):
        def __len__(self):
            return len(items)

        def __getitem__(self, i):
            return items[i]

    with pytest.raises(InputError, match=message):
        as_table(Items())


def test_errors_of_a_data_set_end_in_one_line(torch):
    class Broken(torch.utils.data.Dataset):
        def __len__(self):
            return 1

        def __getitem__(self, i):
            raise OSError("no file\nmore")

    with pytest.raises(InputError, match=r"raised OSError while it was read: no file\.$"):
        as_table(Broken())
