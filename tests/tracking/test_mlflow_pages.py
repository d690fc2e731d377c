"""What a user sees of runs and models in MLflow's own pages, in a real browser; and pictures of these."""

import io
import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from browser import browser
from logged_world import trained
from mlflow_server import Server
from third_party import third_party

from crm_ml import tracking

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("server")]

PICTURES = os.environ.get("CRM_ML_PICTURES")
CLICK = "[...document.querySelectorAll('button,label,span')].filter(x => {})[0]?.click()"
CLOSE = CLICK.format("x.dataset.componentId === 'mlflow.assistant.chat_panel.close'")
TRAINING = CLICK.format("x.innerText === 'Model training'")
NO_TOOLBARS = "document.head.insertAdjacentHTML('beforeend', '<style>.modebar{display: none}</style>')"
MORE = CLICK.format("x.innerText === 'Show more'")


@pytest.fixture
def served(request, monkeypatch):
    """A server and runs of one experiment: tiny ones, or those of ``CRM_ML_RUNS`` for pictures."""
    with third_party():
        if PICTURES:
            real = Server(Path(os.environ["CRM_ML_RUNS"]))
            real.start()
            monkeypatch.setenv("MLFLOW_TRACKING_URI", real.uri)
            yield real.uri, _known()
            real.stop()
            return
        request.getfixturevalue("new_runs")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", request.getfixturevalue("server").uri)
        yield tracking.tracking_uri(), [trained("noise"), trained("signal")]
        client = tracking.connect()  # other tests of this server begin with nothing
        client.delete_registered_model("churn")
        client.rename_experiment(client.get_experiment_by_name("churn").experiment_id, "seen in a browser")


def _known():
    client = tracking.connect()
    versions = {each.run_id: each.version for each in client.search_model_versions("name='churn'")}
    experiment = client.get_experiment_by_name("churn").experiment_id
    runs = sorted(client.search_runs([experiment]), key=lambda run: run.info.run_name, reverse=True)
    return [
        SimpleNamespace(run_id=run.info.run_id, name=run.info.run_name, version=versions[run.info.run_id])
        for run in runs
    ]


def read(page, *texts, seconds=90):
    """Wait until all texts can be read on a page, and return all that can."""
    end = time.monotonic() + seconds
    while lacking := [text for text in texts if text not in (seen := page.value("document.body.innerText"))]:
        assert time.monotonic() < end, f"{lacking} can't be read in: {seen[:3000]}"
        time.sleep(0.2)
    return seen


def picture(page, name):
    """Write a picture with a palette, where pictures are wanted."""
    if not PICTURES:
        return
    from PIL import Image

    time.sleep(5)  # charts are drawn one after another
    page.value(NO_TOOLBARS)
    raw = Path(PICTURES) / f"{name}.png"
    page.picture(raw)
    image = Image.open(io.BytesIO(raw.read_bytes())).convert("RGB")
    image.quantize(128, dither=Image.Dither.NONE).save(raw, optimize=True)
    assert raw.stat().st_size < 250_000


@pytest.mark.rota("tracking servers", 1)
def test_a_user_sees_data_source_and_meaning_of_runs_and_models(served, tmp_path):
    uri, (first, second) = served
    experiment = tracking.connect().get_run(second.run_id).info.experiment_id
    with browser(tmp_path) as page:
        runs = f"{uri}/#/experiments/{experiment}/runs"
        page.open(runs, 1280, 800)
        read(page, second.name)
        for step in (CLOSE, TRAINING):
            page.value(step)
        read(page, "complete_journey (", "crm_ml.train", "Dataset", "Source", second.name, first.name)
        page.open(runs, 1280, 420)
        picture(page, "mlflow_runs")

        page.open(f"{runs}/{second.run_id}", 1280, 800)
        read(page, "Show more", "complete_journey (", "Training", "crm_ml.train")
        page.value(MORE)
        text = read(page, "made by", "model card", "with 95 % intervals")
        assert f"python -m crm_ml.train {second.name}" in text
        assert tracking.connect().get_run(second.run_id).data.tags["mlflow.user"] in text
        picture(page, "mlflow_run")

        page.open(f"{runs}/{second.run_id}/model-metrics", 1280, 800)
        read(page, "by_day", "average_precision")

        page.open(f"{uri}/#/models/churn/versions/{second.version}", 1280, 800)
        read(page, "when it was made", "with 95 % intervals", "model card", "runs:/", "Schema", "labels_end")
        picture(page, "mlflow_model")

        ids = quote(json.dumps([first.run_id, second.run_id])), quote(json.dumps([experiment]))
        page.open(f"{uri}/#/compare-runs?runs={ids[0]}&experiments={ids[1]}", 1280, 800)
        read(page, first.name, second.name, "Parameters", "Metrics")
        read(page, "Show diff only", "promotion.reason")

        page.open(f"{runs}?compareRunsMode=CHART", 1280, 800)
        read(page, "by_day", "by_day/auc", first.name, second.name)
        picture(page, "mlflow_compare")
