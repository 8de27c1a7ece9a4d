from landbridge.data import shared_data, shared_weights


def test_the_variable_names_the_folder_or_its_parent(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "weights").mkdir()
    (tmp_path / "data" / "a.csv").write_text("x\n1\n")
    (tmp_path / "weights" / "net").mkdir()
    for given in (tmp_path, tmp_path / "data"):
        monkeypatch.setenv("LANDBRIDGE_DATA", str(given))
        assert shared_data("a.csv") == tmp_path / "data" / "a.csv"
        assert shared_weights("net") == tmp_path / "weights" / "net"


def test_what_is_not_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("LANDBRIDGE_DATA", str(tmp_path))
    assert shared_data("a.csv") is None and shared_weights("net") is None
    assert shared_data("") is None
