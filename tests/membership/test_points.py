"""Points are spent oldest first and expire; what will be spent of them is told within its interval."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
import scripts

from crm_ml import tracking
from crm_ml.errors import InputError
from crm_ml.membership import balances, liability, lots_of
from crm_ml.membership.__main__ import main
from crm_ml.membership.liability import breakage
from crm_ml.membership.point_lots import day_number


def ledger(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "at", "points"]).astype({"at": "datetime64[us]"})


def slow(frame, life_days, day):
    """Return what each customer could spend on a day, by a loop over dated points."""
    left = {}
    for name, rows in frame.groupby("customer_id"):
        lots = []
        for row in rows.sort_values(["at", "points"], ascending=[True, False]).itertuples():
            at = day_number(row.at.date())
            if at >= day:
                break
            lots = [lot for lot in lots if at - lot[0] <= life_days]
            if row.points > 0:
                lots.append([at, row.points])
            wanted = -row.points
            for lot in lots:
                taken = min(lot[1], wanted) if wanted > 0 else 0
                lot[1] -= taken
                wanted -= taken
        left[name] = sum(points for at, points in lots if day - at <= life_days)
    return left


def test_the_oldest_points_are_spent_first_and_the_rest_expires():
    frame = ledger(
        ("a", "2023-01-01", 100), ("a", "2023-03-01", 50), ("a", "2023-03-01", -120), ("b", "2023-01-05", 70)
    )
    lots = lots_of(frame, 60)
    assert sorted(zip(lots.lot.tolist(), lots.spent.tolist(), strict=True)) == [(0, 100), (1, 20)]
    table = balances(lots, date(2023, 3, 2))
    assert table.loc["a"].to_dict() == {"earned": 150, "spent": 120, "outstanding": 30, "expired": 0}
    assert balances(lots, date(2023, 3, 6))["outstanding"].tolist() == [30, 70]
    assert balances(lots, date(2023, 3, 7)).loc["b"].to_dict() == {
        "earned": 70, "spent": 0, "outstanding": 0, "expired": 70,
    }  # fmt: skip
    assert balances(lots, date(2023, 5, 1))["expired"].tolist() == [30, 70]


def test_points_can_be_spent_on_their_last_day_and_not_on_the_next():
    earned = ("a", "2023-01-01", 10)
    assert lots_of(ledger(earned, ("a", "2023-03-02", -10)), 60).spent.tolist() == [10]
    with pytest.raises(InputError, match="10 points were spent that nobody had, or that had expired"):
        lots_of(ledger(earned, ("a", "2023-03-03", -10)), 60)


def test_balances_of_a_long_ledger_are_those_of_a_loop():
    world = scripts.plain("016_points/simulated_ledger.py").simulate(60, 3)
    frame = world.ledger.sample(frac=1, random_state=0)
    lots = lots_of(frame, 540)
    for day in (date(2021, 6, 1), date(2023, 12, 31), date(2025, 1, 1)):
        found = balances(lots, day)["outstanding"].to_dict()
        assert found == {
            name: found[name] * 0 + left for name, left in slow(frame, 540, day_number(day)).items()
        }


def test_rows_that_are_no_ledger_are_refused_at_once():
    with pytest.raises(InputError, match="no column at, points"):
        lots_of(pd.DataFrame({"customer_id": ["a"]}), 60)
    odd = ledger(("a", "2023-01-01", 1.5), (None, "2023-01-01", 2), ("a", None, 3))
    with pytest.raises(
        InputError,
        match="customer_id is missing in 1, at is missing in 1, points are no whole numbers in 1 of 3",
    ):
        lots_of(odd, 60)
    with pytest.raises(
        InputError, match="25 points were spent that nobody had, or that had expired after 60 days"
    ):
        lots_of(
            ledger(
                ("a", "2023-01-01", 5),
                ("a", "2023-01-02", -10),
                ("b", "2022-01-01", 20),
                ("b", "2023-01-02", -20),
            ),
            60,
        )
    with pytest.raises(InputError, match="the ledger begins 400 days before 2023-02-05"):
        liability(lots_of(ledger(("a", "2022-01-01", 5)), 60), date(2023, 2, 5), 1.0)


def test_what_will_be_spent_is_told_within_its_interval_without_knowing_it():
    simulated = scripts.plain("016_points/simulated_ledger.py")
    held = []
    for seed in range(5):
        world = simulated.simulate(1_500, seed)
        whole, day = lots_of(world.ledger, simulated.LIFE_DAYS), day_number(simulated.AS_OF)
        outstanding = whole.outstanding(day)
        truth = int(np.minimum(whole.spent_between(day, day + 365), outstanding).sum())
        known = lots_of(world.before(simulated.AS_OF), simulated.LIFE_DAYS)
        owed = liability(known, simulated.AS_OF, 0.5)
        assert owed.outstanding == outstanding.sum()
        assert owed.cost_cents.value == pytest.approx(owed.redeemed.value / 2)
        assert owed.redeemed.value == pytest.approx(truth, rel=0.3)
        held.append(owed.redeemed.low <= truth <= owed.redeemed.high)
        again = liability(whole, simulated.AS_OF, 0.5)  # what comes later changes nothing
        assert again.redeemed == owed.redeemed
    assert sum(held) >= 4


def test_breakage_ends_with_what_was_spent_and_what_expired():
    simulated = scripts.plain("016_points/simulated_ledger.py")
    lots = lots_of(simulated.simulate(400, 1).before(simulated.AS_OF), simulated.LIFE_DAYS)
    table = breakage(lots, simulated.AS_OF)
    assert table["spent"].is_monotonic_increasing
    assert table["spent"].iloc[-1] + table["expired"].iloc[-1] == pytest.approx(1)
    assert not table["expired"].iloc[:-1].any()


@pytest.mark.usefixtures("new_runs")
def test_the_command_publishes_members_points_and_a_page(tmp_path, capsys, project):
    simulated = scripts.plain("016_points/simulated_ledger.py")
    frame = simulated.simulate(300, 0).ledger
    frame["customer_id"] = "c" + frame["customer_id"].str[1:].str.zfill(8)
    frame.to_csv(project / "points.csv", index=False)
    (project / "configs" / "membership").mkdir(parents=True, exist_ok=True)
    content = {
        "data": {"name": "simulated", "options": {"customers": 400}},
        "tiers": [{"name": "basic", "least": 0}, {"name": "silver", "least": 5000}],
        "chance": False,
        "points": {"ledger": "points.csv", "life_days": 540, "cents_per_point": 0.5},
    }
    (project / "configs" / "membership" / "shop.yaml").write_text(json.dumps(content), "utf-8")
    assert main(["membership/shop", "--as-of", "2024-10-01", "--out", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "points held:" in told
    (folder,) = (tmp_path / "shop").glob("2024-10-01-*/")
    members = pd.read_parquet(folder / "members.parquet")
    assert set(members["member_tier"]) == {"basic", "silver"}
    figures = json.loads((folder / "membership.json").read_text("utf-8"))
    held = members["points_outstanding"].sum()
    assert figures["points"]["outstanding"] >= held > 0
    page = (folder / "page.html").read_text("utf-8")
    assert "points that members hold" in page and "<script" not in page
    again = ["membership/shop", "--as-of", "2024-10-01", "--out", str(tmp_path), "--track"]
    assert main(again) == 0  # the same, once
    client = tracking.connect()
    (run,) = client.search_runs([client.get_experiment_by_name("membership").experiment_id])
    assert run.info.run_name == "shop 2024-10-01"
    assert run.data.metrics["points.redeemed"] == pytest.approx(figures["points"]["redeemed"]["value"])
    assert run.data.params["grace_days"] == "0"
    capsys.readouterr()
    assert main(["membership/shop", "--out", str(tmp_path)]) == 2
    assert "give the day of the standing" in capsys.readouterr().err
