import sys

import pytest

from landbridge.exceptions import MissingExtraError
from landbridge.report._mlflow import _metrics, _params


def test_without_mlflow_one_line_says_what_to_install(make, monkeypatch):
    for name in [m for m in sys.modules if m.split(".")[0] == "mlflow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'landbridge\[mlflow\]'"):
        make().log_mlflow()


def test_what_is_logged(make):
    result = make()
    odd = {**result.settings, "label": "x" * 900, "methods": ["A", "B"], "sources": None}
    params = _params(make(settings=odd))
    assert params["chosen"] == "source-only" and params["methods"] == "A, B" and "sources" not in params
    metrics = _metrics(result)
    assert metrics["expected.value"] == 0.8 and metrics["candidate.M0.gain"] == pytest.approx(0.02)
    assert all(isinstance(v, float) for v in metrics.values())


@pytest.mark.filterwarnings("ignore")  # of third parties
def test_a_run_is_written_and_read(make, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("alembic")
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/own.db")
    try:
        with mlflow.start_run() as own:
            before = mlflow.get_tracking_uri()
            store = f"sqlite:///{tmp_path}/other.db"
            key = make().log_mlflow("ward 3", store)
            assert mlflow.get_tracking_uri() == before and mlflow.active_run().info.run_id == own.info.run_id
        client = mlflow.tracking.MlflowClient(tracking_uri=store)
        run = client.get_run(key)
        assert run.info.status == "FINISHED" and run.info.run_name == "ward 3"
        assert run.data.params["chosen"] == "source-only" and run.data.metrics["expected.value"] == 0.8
        assert {f.path for f in client.list_artifacts(key)} == {"report.html", "result.json"}
        here = make().log_mlflow()
        assert mlflow.tracking.MlflowClient().get_run(here).info.run_name == "a.csv to b.csv"
        assert mlflow.active_run() is None
    finally:
        mlflow.set_tracking_uri(None)
