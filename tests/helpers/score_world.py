"""A small generated world to score: tables in real files, a catalogue, a churn source without a library."""

import hashlib
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from crm_ml.actions.catalog import Action, Catalog
from crm_ml.score.settings import ScoreSettings
from crm_ml.score_tables.churn import ChurnSource
from crm_ml.tables import Tables
from crm_ml.tables.engine import connect

AS_OF = date(2024, 6, 1)
AS_OF_S = 1_717_200_000
DAY_S = 86_400


def action(action_id, **fields):
    defaults = {} if "channels" in fields else {"channel": "mail"}
    defaults |= {
        "cost_cents": 10,
        "margin_cents": 1_000,
        "assumed_effect": 0.5,
        "assumption": "chosen for a test",
        "expires_after_days": 7,
    }
    return Action.model_validate({"action_id": action_id, **defaults, **fields})


def catalog(*actions):
    return Catalog(currency="EUR", actions=actions)


def usual_catalog():
    return catalog(
        action("coupon", score="p_churn", daily_cap=40, eligible="rfm_orders_84d >= 1"),
        action("push", channel="push", score="p_churn", cost_cents=1, assumed_effect=0.4),
        action("booklet", cost_cents=100, assumed_effect=0.2, item_ids=("i1", "i2")),
    )


def settings(**fields):
    defaults = {
        "name": "test",
        "data": {"name": "generated"},
        "as_of": AS_OF,
        "actions": "none.yaml",
        "consent": "assumed",
        "daily_cap": 100,
    }
    return ScoreSettings(**{**defaults, **fields})


def frames(n_customers=120, seed=0):
    generator = np.random.default_rng(seed)
    customers = pd.DataFrame({"customer_id": [f"c{i:06d}" for i in range(n_customers)]})
    n_lines = n_customers * 4
    lines = pd.DataFrame(
        {
            "customer_id": generator.choice(customers["customer_id"].to_numpy(), n_lines),
            "order_id": [f"o{i}" for i in range(n_lines)],
            "item_id": generator.choice(["i1", "i2", "i3"], n_lines),
            "ordered_at_epoch_s": AS_OF_S - generator.integers(1, 200 * DAY_S, n_lines),
            "quantity": 1,
            "paid_cents": generator.integers(100, 5_000, n_lines),
            "discount_cents": 0,
            "coupon_cents": 0,
        }
    )
    items = pd.DataFrame({"item_id": ["i1", "i2", "i3"], "department": "food", "category": ["a", "b", "b"]})
    return {"customers": customers, "order_lines": lines, "items": items}


def tables(folder, engine="duckdb", consents=None, **given):
    """Write the frames to Parquet files and read them back on an engine."""
    content = frames(**given) | ({"consents": consents} if consents is not None else {})
    connection, relations, total = connect(), {}, hashlib.sha256()
    for name, frame in content.items():
        path = Path(folder) / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(path, index=False)
        total.update(path.read_bytes())
        relations[name] = connection.read_parquet(str(path))
    return Tables(**relations).to(engine).identified(total.hexdigest())


def predict(features):
    return (features["rfm_days_since_order"].to_numpy() / 90).clip(0, 1)


def reasons(features):
    return [[f"rfm_days_since_order={days:g} (+0.50)"] for days in features["rfm_days_since_order"]]


def churn_source(**fields):
    defaults = {
        "name": "churn",
        "sums": "ab" * 32,
        "predict": predict,
        "where": "rfm_days_since_order < 56",
        "reasons": reasons,
    }
    return ChurnSource(**{**defaults, **fields})


def contents(folder):
    """Every file below a folder with its bytes."""
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()
    }
