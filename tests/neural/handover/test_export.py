"""Exported files: the same answers on batches of any size, no trace of this machine, and errors that say what to do."""

import importlib

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge.exceptions import InputError, MissingExtraError  # noqa: E402
from landbridge.neural import Network, predict_logits  # noqa: E402
from landbridge.neural.backbones import mlp_backbone  # noqa: E402
from landbridge.neural.handover import check_parity, export_onnx, export_program, quantise  # noqa: E402


def need_onnx():
    for library in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(library, reason="needs the extra landbridge[export]")


def without_traces(path):
    content = path.read_bytes()
    return b"/landbridge" not in content and b"site-packages" not in content and b".py" not in content


def test_program_of_the_builtin_network(teacher, digits, images, tmp_path):
    path = export_program(teacher, digits.X[:3], tmp_path / "digits.pt2")
    assert check_parity(teacher.network_, path, images[:11]).agree == 1.0
    assert check_parity(teacher, path, digits.X[600:601]).n_samples == 1
    assert [p.name for p in tmp_path.iterdir()] == ["digits.pt2"]
    assert without_traces(path)
    # the preprocessing is in it: raw dots go in
    answers = torch.export.load(path).module()(images[:7])
    assert torch.allclose(answers, predict_logits(teacher.network_, images[:7]), atol=1e-5)


def test_onnx_of_the_builtin_network(teacher, images, tmp_path):
    need_onnx()
    path = export_onnx(teacher, images[:1], tmp_path / "digits.onnx")  # one row is enough
    assert check_parity(teacher, path, images[:13]).largest < 1e-4
    assert without_traces(path)
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert given.name == "x"
    assert given.shape[1:] == [1, 8, 8]
    assert isinstance(given.shape[0], str)


def test_tables_in_double_precision(tmp_path):
    need_onnx()
    network = mlp_backbone(5, random_state=0).double().replace_head(nn.Linear(32, 2).double())
    rows = torch.rand(4, 5, dtype=torch.float64)
    network.preprocess.learn(rows)
    for path in (export_program(network, rows, tmp_path / "t.pt2"), export_onnx(network, rows, tmp_path / "t.onnx")):
        assert check_parity(network, path, torch.rand(9, 5, dtype=torch.float64), tolerance=1e-10).n_samples == 9


@pytest.mark.parametrize(("kind", "export", "end"), [("vit", export_program, "pt2"), ("bert", export_onnx, "onnx")])
def test_models_of_transformers(kind, export, end, tiny, tmp_path):
    need_onnx()
    network, rows = tiny(kind, n=9)
    some = {k: v[:2] for k, v in rows.items()} if isinstance(rows, dict) else rows[:2]
    path = export(network, some, tmp_path / f"t.{end}")
    assert check_parity(network, path, rows).n_samples == 9
    assert without_traces(path)


def test_whole_numbers_stay_whole(teacher, digits, images, tmp_path):
    small = quantise(teacher, mode="static", calibration_data=digits.X[:50])
    path = export_program(small, images[:2], tmp_path / "small.pt2")
    assert check_parity(small, path, images).agree >= 0.99
    inside = torch.export.load(path).state_dict.values()
    assert sum(t.numel() * t.element_size() for t in inside) < 0.4 * small.bytes_before


def test_whole_numbers_stay_whole_in_onnx(teacher, digits, images, tmp_path):
    need_onnx()
    small = quantise(teacher, mode="static", calibration_data=digits.X[:50])
    path = export_onnx(small, images[:2], tmp_path / "small.onnx")
    assert check_parity(small, path, images).agree >= 0.99
    assert path.stat().st_size < 0.6 * small.bytes_before


def test_missing_library_names_the_install_line(monkeypatch, tmp_path):
    really = importlib.import_module

    def absent(name, *args):
        if name == "onnxruntime":
            raise ImportError(name)
        return really(name, *args) if not name.startswith("onnx") else None

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(MissingExtraError, match=r"'onnxruntime'.*pip install \"landbridge\[export\]\""):
        export_onnx(mlp_backbone(3, random_state=0), torch.rand(2, 3), tmp_path / "t.onnx")


def test_a_file_that_answers_otherwise_is_not_kept(tmp_path):
    class Coin(nn.Module):
        """Answers by how many rows it was asked before, which no traced program knows."""

        asked = 0

        def forward(self, x):
            Coin.asked += 1
            return x + float(Coin.asked)

    network = Network({"one": Coin()}, in_features=3, head=nn.Linear(3, 2))
    with pytest.raises(InputError, match=r"sample \d+ differs"):
        export_program(network, torch.rand(2, 3), tmp_path / "coin.pt2")
    assert not list(tmp_path.iterdir())


def test_bad_input_is_named(tmp_path):
    class Asks(nn.Module):
        def forward(self, x):
            return x if float(x.sum()) > 0 else -x

    network, rows = Network({"one": Asks()}, in_features=3, head=nn.Linear(3, 2)), torch.rand(2, 3)
    with pytest.raises(InputError, match="network cannot be exported"):
        export_program(network, rows, tmp_path / "t.pt2")
    with pytest.raises(InputError, match=r"must end in \.pt2"):
        export_program(network, rows, tmp_path / "t.onnx")
    with pytest.raises(InputError, match="folder 'none' does not exist"):
        export_program(network, rows, tmp_path / "none" / "t.pt2")
    with pytest.raises(InputError, match="example has no samples"):
        export_program(network, rows[:0], tmp_path / "t.pt2")
    assert not list(tmp_path.iterdir())
