"""Runs of churn on made-up rows that are logged whole, each within a second."""

from types import SimpleNamespace

import challenge_world

from crm_ml import tracking
from crm_ml.train.record import account
from crm_ml.train.record.outcome_log import log_outcome

DAYS = ("2017-10-25", "2017-11-22")
CONTENT = "82c66e3c4654" * 5
BEFORE = {
    account.TOLD: {"tables": {"fingerprint": CONTENT}},
    "libraries": {},
    "inputs": {
        "settings": {},
        "tables": {
            "orders": {"rows": 7, "sum": "1", "columns": {"order_id": "VARCHAR 1", "paid_cents": "BIGINT 2"}}
        },
        "counts": {},
    },
}


def trained(sees):
    """A run on two test days, with its id, name, outcome and version."""
    config, outcome = challenge_world.config(DAYS), challenge_world.outcome(sees, days=DAYS)
    tables = SimpleNamespace(report=None, fingerprint=CONTENT)
    name = f"churn/{sees}"
    with tracking.start("churn", name, f"python -m crm_ml.train {name}") as run:
        run.log_params(config.model_dump(mode="json"))
        version, _ = log_outcome(run, config, tables, outcome, BEFORE)
    return SimpleNamespace(run_id=run.run_id, name=name, outcome=outcome, version=version.version)
