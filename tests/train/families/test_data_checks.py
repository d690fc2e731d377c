"""What a run says of its data: signs of leaks fail no gate, and stand in its notes, tables and card."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from challenge_world import config, rows

from crm_ml.errors import LeakError
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.train.families.churn.experiment import fold
from crm_ml.train.families.probability.data_checks import DataChecks
from crm_ml.train.record.model_card_parts import data_part

TEST = "2017-11-22"


def checked(allow=(), change=lambda X, _y: X, positive=None):
    run = config(allow_leaks=list(allow))
    each = fold(run, run.split.test[0])
    days = sorted(map(str, (each.test, *each.training)))
    whole = rows(tuple(days), 1_000)
    y = whole.y.copy()
    if positive is not None:
        y[(whole.fold == TEST) & (np.arange(len(y)) % 100 < positive)] = 1
    X = change(whole.X.drop(columns="answer"), y.to_numpy())
    return DataChecks.of(SimpleNamespace(config=run, folds=(each,)), LabelledRows(X, y))


def test_a_clean_run_states_the_rate_and_nothing_to_look_at():
    checks = checked()
    (rate,) = checks.notes
    assert rate.startswith("rate of the label: 0.5")
    assert set(checks.single_auc) == {"signal", "noise"}
    assert {name: len(table) for name, table in checks.tables().items()} == {
        "looks": 0, "rate_shifts": 1, "feature_shifts": 2,
    }  # fmt: skip
    assert data_part(checks.notes) == [
        f"## Checks of the data\n\nNo sign of a leak, and no shift of the rate.\n\n- {rate}\n"
    ]
    assert data_part(None) == []


def test_a_sign_of_a_leak_stands_in_notes_tables_and_card():
    def flag(X, y):
        return X.assign(closed=(y == 1) & (np.random.default_rng(0).random(len(y)) < 0.94))

    checks = checked(change=flag)
    assert checks.notes[0].startswith("look at closed: AUC 0.9")
    looks = checks.tables()["looks"]
    assert looks[["subject", "sign"]].to_numpy().tolist() == [["closed", "alone"]]
    assert f"- {checks.notes[0]}\n" in data_part(checks.notes)[0]
    assert "No sign" not in data_part(checks.notes)[0]
    assert len(checked(["closed"], flag).notes) == 1


def test_what_gives_the_label_away_is_still_refused():
    with pytest.raises(LeakError, match="later"):
        checked(change=lambda X, y: X.assign(later=y))


def test_a_rate_and_a_feature_that_moved_are_named():
    def moved(X, _y):
        at_test = pd.Series(X.index.get_level_values(0) == TEST, X.index)
        return X.assign(noise=X["noise"] + 2 * at_test)

    notes = checked(change=moved, positive=90).notes
    assert any(
        note.startswith(f"look at the rate of the label: it moved in 1 of 1 test folds, most in {TEST}")
        for note in notes
    )
    assert "1 of 2 features moved between training and test: noise (PSI " in notes[-1]
