"""A list played out by the simulator: the contacted behave as the truth says, all others as the control."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from crm_ml.datasets import simulated
from crm_ml.datasets._played_list import play
from crm_ml.datasets._simulation.world import World, epoch_s
from crm_ml.errors import InputError

WORLD = World(customers=2_000, seed=3, days=224, campaigns=2)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return simulated.truth(tmp_path_factory.mktemp("worlds"), **asdict(WORLD)).customers


@pytest.fixture(scope="module")
def contacted(people: pd.DataFrame) -> pd.DataFrame:
    ids = people.index[::2]
    return pd.DataFrame({"customer_id": ids, "arm": np.where(np.arange(len(ids)) % 2, "coupon", "reminder")})


def test_visits_and_money_agree_on_average_with_the_effect_that_the_truth_has(people, contacted):
    ids = pd.Index(contacted["customer_id"])
    draws = [play(WORLD, people, contacted, seed) for seed in range(12)]
    without = [play(WORLD, people, contacted[:0], seed) for seed in range(12)]
    effects = draws[0].effects

    def visits(each):
        return each.tables["responses"]["customer_id"].isin(ids).sum()

    def paid(each):
        lines = each.tables["order_lines"]
        return lines["paid_cents"][lines["customer_id"].isin(ids)].sum()

    for measure, column in ((visits, "visit_effect"), (paid, "paid_cents_effect")):
        change = np.array([measure(a) - measure(b) for a, b in zip(draws, without, strict=True)], dtype=float)
        assert abs(change.mean() - effects[column].sum()) < 3.5 * change.std() / np.sqrt(len(change))
    assert effects["visit_effect"].abs().sum() > 10  # there is something to be found
    assert dict(effects["arm"]) == dict(zip(contacted["customer_id"], contacted["arm"], strict=True))


def test_purchases_go_on_at_the_rate_of_who_is_alive_and_nobody_else_buys_by_habit(people):
    nobody = pd.DataFrame({"customer_id": [], "arm": []})
    orders = pd.concat(_by_habit(play(WORLD, people, nobody, seed).tables) for seed in range(40))
    mean = orders.value_counts().reindex(people.index, fill_value=0) / 40
    alive = people["dropped_out_at_epoch_s"].isna()
    assert mean[~alive].sum() == 0
    stays = people.index[alive & (people["p_dropout"] < 0.05)]  # who hardly leaves within two weeks
    assert mean[stays].mean() == pytest.approx(2 * people["purchases_per_week"][stays].mean(), rel=0.1)


def _by_habit(tables: dict[str, pd.DataFrame]) -> "pd.Series[str]":
    """Customers of the orders that no visit led to."""
    visits = set(
        zip(tables["responses"]["customer_id"], tables["responses"]["responded_at_epoch_s"], strict=True)
    )
    lines = tables["order_lines"]
    pairs = zip(lines["customer_id"], lines["ordered_at_epoch_s"], strict=True)
    return lines["customer_id"][[pair not in visits for pair in pairs]]


def test_all_happens_within_the_fourteen_days_and_the_tables_read_it(tmp_path, contacted):
    tables, effects = simulated.play_out(contacted, tmp_path, tmp_path / "worlds", **asdict(WORLD))
    before = simulated.load(tmp_path / "worlds", **asdict(WORLD))
    first, end = epoch_s(np.array([WORLD.days, WORLD.days + 14.0]))
    for name, time in (("order_lines", "ordered_at"), ("responses", "responded_at"), ("touches", "sent_at")):
        seconds = tables.pandas(name)[f"{time}_epoch_s"]
        new = seconds[seconds >= first]
        assert len(seconds) - len(new) == len(before.pandas(name)) and len(new) > 0
        assert new.max() < end
    assert len(tables.pandas("touches")) - len(before.pandas("touches")) == len(effects) == len(contacted)
    again, _ = simulated.play_out(contacted, tmp_path / "again", tmp_path / "worlds", **asdict(WORLD))
    assert again.pandas("order_lines").equals(tables.pandas("order_lines"))


def test_a_list_of_another_shop_is_refused_with_all_that_is_wrong(people):
    rows = pd.DataFrame({"customer_id": ["x", *people.index[[0, 0]]], "arm": ["coupon", "reminder", "sms"]})
    with pytest.raises(
        InputError, match="1 customers that the shop does not have, 1 customers that stand twice, 1"
    ):
        play(WORLD, people, rows, 0)
