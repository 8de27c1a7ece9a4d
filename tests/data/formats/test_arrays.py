import numpy as np
import pytest
from scipy import sparse
from scipy.io import savemat
from sklearn.datasets import dump_svmlight_file

from landbridge.data._files import counts_from_zero, read_arrays
from landbridge.data.formats._svmlight import alike
from landbridge.exceptions import LabelError, ReadError

X = np.arange(12.0).reshape(4, 3)
Y = np.array([0, 1, 1, 0])


def test_npz(tmp_path):
    np.savez(tmp_path / "a.npz", X=X, y=np.array([b"a", b"b", b"b", b"a"]), other=np.array([{}], dtype=object))
    held, y = read_arrays(tmp_path / "a.npz", None)
    np.testing.assert_array_equal(held, X)
    assert y.tolist() == ["a", "b", "b", "a"]


def test_objects_in_npz_are_refused_where_they_are_needed(tmp_path):
    np.savez(tmp_path / "a.npz", X=X, y=np.array(["a", "b", None, "a"], dtype=object))
    with pytest.raises(ReadError, match=r"y holds Python objects, which are never loaded; .*astype\(str\)"):
        read_arrays(tmp_path / "a.npz", None)
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object))
    with pytest.raises(ReadError, match="holds Python objects"):
        read_arrays(tmp_path / "a.npy", None)


def test_npy(tmp_path):
    np.save(tmp_path / "a.npy", X)
    held, y = read_arrays(tmp_path / "a.npy", None)
    np.testing.assert_array_equal(held, X)
    assert y is None
    with pytest.raises(LabelError, match="label='y' is no array"):
        read_arrays(tmp_path / "a.npy", "y")


@pytest.mark.parametrize("density", [0.2, 0.9])
def test_sparse_npz(tmp_path, density):
    matrix = sparse.random(30, 10, density=density, random_state=0, format="csr")
    sparse.save_npz(tmp_path / "a.npz", matrix)
    held, _ = read_arrays(tmp_path / "a.npz", None)
    assert sparse.issparse(held) == (density < 0.5)
    np.testing.assert_array_equal(held.toarray() if sparse.issparse(held) else held, matrix.toarray())


def test_mat_with_structs_and_cells_of_text(tmp_path):
    cells = np.array(["a", "bc", "bc", "a"], dtype=object)
    savemat(tmp_path / "a.mat", {"data": {"X": X, "y": cells}, "info": {"by": "me"}})
    held, y = read_arrays(tmp_path / "a.mat", None)
    np.testing.assert_array_equal(held, X)
    assert y.tolist() == ["a", "bc", "bc", "a"]
    savemat(tmp_path / "b.mat", {"X": X, "y": np.array(["a ", "bc", "bc", "a "])})
    assert read_arrays(tmp_path / "b.mat", None)[1].tolist() == ["a", "bc", "bc", "a"]
    savemat(tmp_path / "c.mat", {"X": np.array(["a", "b"], dtype=object)})
    with pytest.raises(ReadError, match="X is a cell array"):
        read_arrays(tmp_path / "c.mat", None)


def test_sparse_samples_in_mat(tmp_path):
    savemat(tmp_path / "a.mat", {"X": sparse.csc_matrix(np.eye(4)), "y": Y[:, None]})
    held, y = read_arrays(tmp_path / "a.mat", None)
    assert sparse.issparse(held) and y.tolist() == Y.tolist()


def test_mat_of_version_7_3(tmp_path):
    h5py = pytest.importorskip("h5py", reason="needs the extra landbridge[hdf5]")
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["X"] = X.T
        file["X"].attrs["MATLAB_class"] = np.bytes_("double")
        words = ["a", "bc", "bc", "a"]
        held = file.create_group("#refs#")
        refs = np.empty((1, 4), dtype=h5py.ref_dtype)
        for i, word in enumerate(words):
            held[str(i)] = np.array([[ord(c)] for c in word], dtype=np.uint16)
            held[str(i)].attrs["MATLAB_class"] = np.bytes_("char")
            refs[0, i] = held[str(i)].ref
        file["y"] = refs
        file["y"].attrs["MATLAB_class"] = np.bytes_("cell")
        S = sparse.csc_matrix(np.eye(4))
        group = file.create_group("S")
        group.attrs["MATLAB_sparse"] = 4
        group["data"], group["ir"], group["jc"] = S.data, S.indices, S.indptr
    data = bytearray(path.read_bytes())
    data[:19] = b"MATLAB 7.3 MAT-file"
    path.write_bytes(bytes(data))
    samples, y = read_arrays(path, None)
    np.testing.assert_array_equal(samples, X)
    assert y.tolist() == words


def test_other_hdf5_is_not_transposed(tmp_path):
    h5py = pytest.importorskip("h5py", reason="needs the extra landbridge[hdf5]")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["train/X"], file["train/y"] = X, ["a", "b", "b", "a"]
        file["elsewhere"] = h5py.ExternalLink(str(tmp_path / "b.h5"), "/X")
    held, y = read_arrays(tmp_path / "a.h5", None)
    np.testing.assert_array_equal(held, X)
    assert y.tolist() == ["a", "b", "b", "a"]


def test_full_svmlight_files_are_dense(tmp_path):
    dump_svmlight_file(X + 1, Y, str(tmp_path / "full.dat"), zero_based=False)
    held, y = read_arrays(tmp_path / "full.dat", None)
    assert isinstance(held, np.ndarray) and y.tolist() == Y.tolist()
    np.testing.assert_array_equal(held, X + 1)
    dump_svmlight_file(np.eye(4), Y, str(tmp_path / "few.dat"))
    assert sparse.issparse(read_arrays(tmp_path / "few.dat", None)[0])
    assert not sparse.issparse(read_arrays(tmp_path / "few.dat", None, sparse=False)[0])
    assert read_arrays(tmp_path / "full.dat", None, n_features=5, sparse=True)[0].shape == (4, 5)


def test_the_base_of_svmlight_files(tmp_path):
    for name, text, base in (
        ("a", "1 0:1 1:2\n", True),
        ("b", "1 1:1 # 0:5\n0 10:2\n", False),
        ("c", "a,b\n1,2\n", None),
    ):
        (tmp_path / name).write_text(text)
        assert counts_from_zero(tmp_path / name) is base
    assert read_arrays(tmp_path / "b", None, zero_based=True)[0].shape == (2, 11)
    assert read_arrays(tmp_path / "b", None)[0].shape == (2, 10)


def test_two_svmlight_files_have_one_form():
    one, two = alike(np.ones((2, 2)), sparse.csr_matrix(np.eye(3)))
    assert sparse.issparse(one) and one.shape[1] == two.shape[1] == 3
    one, two = alike(np.ones((2, 2)), np.ones((2, 3)))
    assert one.tolist() == [[1, 1, 0], [1, 1, 0]] and two.shape == (2, 3)
