"""A family of a company's own, from training to realised scores, without a change of the package."""

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from third_party import third_party

import crm_ml
from crm_ml import datasets
from crm_ml.config.run import run_classes
from crm_ml.lists import read_list
from crm_ml.score.__main__ import main as score
from crm_ml.score.realised import main as realised
from crm_ml.score_tables.families import score_table_families
from crm_ml.train.__main__ import main as train
from crm_ml.train.compare.__main__ import main as compare
from crm_ml.train.promote.__main__ import main as promote

SITE = Path(__file__).parent / "site"
AS_OF, KNOWN_UNTIL = date(2024, 11, 1), "2024-12-10"
RUN = {
    "family": "returns",
    "data": {"name": "configs/data/shop.yaml"},
    "target": {"horizon_days": 28},
    "split": {"test": ["2024-09-01"], "training_snapshots": 3, "every_days": 28},
    "features": {"rfm": {}, "cadence": {}},
    "model": {"name": "logistic"},
    "baselines": [{"name": "recency_rule"}],
    "largest_ece": 0.5,
    "replicates": 100,
    "register_as": {"name": "returns", "as_of": "2024-10-01"},
}
DATA = {
    "name": "shop",
    "known_until": KNOWN_UNTIL,
    "currency": {"code": "EUR"},
    "tables": {
        "customers": {"path": "data/shop/customers.csv"},
        "items": {"ids_of": ["order_lines"]},
        "order_lines": {"path": "data/shop/order_lines.csv", "columns": {"refund_of": "refund_of"}},
    },
}
LIST = {
    "name": "shop",
    "data": {"name": "configs/data/shop.yaml"},
    "models": {"returns": "returns@champion"},
    "as_of": AS_OF,
    "actions": "configs/actions/shop.yaml",
    "consent": "assumed",
}
ACTIONS = {
    "currency": "EUR",
    "actions": [
        {
            "action_id": "fitting",
            "channel": "mail",
            "cost_cents": 10,
            "margin_cents": 2000,
            "score": "p_return",
            "assumed_effect": 0.5,
            "assumption": "half of the returns are avoided by a fitting",
            "eligible": "p_return > 0.2 and rfm_orders >= 1",
            "expires_after_days": 7,
        }
    ],
}


def lines():
    """Orders of 300 customers, of whom some send much back, with their refunds a few days later."""
    draw, rows = np.random.default_rng(7), []
    day = pd.Timestamp("2024-01-01")
    for number in range(300):
        often, habit = draw.uniform(8, 40), draw.choice([0.05, 0.6])
        at, order = draw.uniform(0, 40), 0
        while at < 343:
            when = day + pd.Timedelta(days=at)
            order_id, paid = f"o{number}-{order}", int(draw.integers(1000, 9000) * (3 if habit > 0.5 else 1))
            row = {"customer_id": f"c{number:04d}", "order_id": order_id, "item_id": f"i{order % 5}"}
            rows.append({**row, "ordered_at": when, "quantity": 1, "paid_cents": paid, "refund_of": None})
            back = when + pd.Timedelta(days=3)
            if draw.random() < habit and back < pd.Timestamp(KNOWN_UNTIL):
                refund = {**row, "order_id": f"r{order_id}", "ordered_at": back, "quantity": -1}
                rows.append({**refund, "paid_cents": -paid, "refund_of": order_id})
            at, order = at + draw.exponential(often), order + 1
    frame = pd.DataFrame(rows)
    return frame.assign(ordered_at=frame["ordered_at"].dt.strftime("%Y-%m-%d %H:%M:%S"))


@pytest.fixture
def project(tmp_path, monkeypatch, template):
    """A project whose only own code is the installed package of the family."""
    files = {
        "configs/returns/logistic.yaml": RUN,
        "configs/data/shop.yaml": DATA,
        "configs/score/shop.yaml": LIST,
        "configs/actions/shop.yaml": ACTIONS,
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    shop = tmp_path / "data/shop"
    shop.mkdir(parents=True)
    frame = lines()
    frame.to_csv(shop / "order_lines.csv", index=False)
    frame[["customer_id"]].drop_duplicates().to_csv(shop / "customers.csv", index=False)
    (tmp_path / "runs").mkdir()
    shutil.copy(template, tmp_path / "runs/mlflow.db")
    monkeypatch.chdir(tmp_path)
    for name in ("CRM_ML_DATA", "CRM_ML_RUNS", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.syspath_prepend(SITE)
    _forget()
    with third_party():
        yield tmp_path
    _forget()


def _forget():
    for found in (run_classes, score_table_families):
        found.cache_clear()


def test_a_family_of_ones_own_is_trained_compared_promoted_scored_listed_and_realised(project, capsys):
    assert train(["returns/logistic", "--metrics-json", "metrics.json"]) == 0
    first = capsys.readouterr().out
    assert "returns version 1 (champion)" in first
    metrics = json.loads(Path("metrics.json").read_text())["returns/logistic"]
    assert metrics["test.auc"] > max(0.6, metrics["baseline.recency_rule.auc"])
    assert train(["returns/logistic", "--set", "model.options={strength: 10.0}"]) == 0
    second = capsys.readouterr().out
    assert "returns version 2 (" in second
    runs = [text.split("; run ")[1].split()[0] for text in (first, second)]
    assert compare(runs) == 0
    assert "returns: 2 runs on common rows" in capsys.readouterr().out
    card = next(project.glob("runs/mlartifacts/**/model_card.md"), None) or next(
        project.glob("**/model_card.md")
    )
    assert "the probability that a customer sends the next order back" in card.read_text(encoding="utf-8")
    assert promote(["returns", "--version", "1"]) == 0
    assert "returns version 1 is champion" in capsys.readouterr().out

    assert score(["score/shop"]) == 0
    printed = capsys.readouterr().out
    assert "columns compared with training" in printed
    rows = read_list(project / "data/lists/shop")
    assert len(rows) > 20
    assert set(rows["value_basis"]) == {"p_return x assumed effect"}
    manifest = json.loads(next((project / "data/lists/shop").glob("*/manifest.json")).read_text())
    table = pd.read_parquet(project / "data/scores" / manifest["scores"]["returns"] / "returns.parquet")
    p = table.set_index("customer_id")["p_return"]
    assert (p.loc[rows["customer_id"]] > 0.2).all()
    gain = np.floor(p.loc[rows["customer_id"]].to_numpy() * 0.5 * 2000 + 0.5).astype(int) - 10
    assert rows["expected_value_cents"].tolist() == gain.tolist()

    assert realised(["score/shop", "--as-of", "2024-12-01"]) == 0
    told = capsys.readouterr().out
    assert "returns version 1" in told
    assert "auc" in told


@pytest.mark.usefixtures("project")
def test_an_action_that_needs_the_family_says_how_to_name_its_model(capsys):
    assert score(["score/shop", "--set", "models={}"]) == 2
    message = "score p_return needs a model of returns in the settings (models: {returns: returns@champion})"
    assert message in capsys.readouterr().err


def test_without_the_package_the_family_is_unknown(project, monkeypatch, capsys):
    monkeypatch.undo()
    monkeypatch.chdir(project)
    _forget()
    assert train(["returns/logistic"]) == 2
    assert "'returns' is no family; there are churn, clv, propensity, recommend, uplift" in (
        capsys.readouterr().err
    )


@pytest.mark.slow
@pytest.mark.usefixtures("project")
def test_a_family_of_ones_own_is_fitted_by_its_whole_config():
    shop = datasets.load("configs/data/shop.yaml")
    fitted = crm_ml.fit("returns", shop, settings={name: RUN[name] for name in RUN if name != "data"})
    scores = fitted.predict(AS_OF)
    assert scores["p_return"].between(0, 1).all()
    assert len(fitted.explain(scores.index[0], AS_OF).reasons)
