"""The committed config on the simulated shop: bad identifiers are found, and ids stay from day to day."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from crm_ml.datasets import simulated
from crm_ml.identity import b_cubed, pairwise, resolve
from crm_ml.identity.__main__ import main
from crm_ml.identity.published_customers import BAD, read_published
from crm_ml.identity.settings import read_settings

CONFIG = Path(__file__).parents[2] / "configs" / "identity" / "channels.yaml"
WORLD = {"customers": 4000, "days": 364, "campaigns": 0, "seed": 5}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return simulated.profiles(tmp_path_factory.mktemp("simulated"), **WORLD)


@pytest.fixture
def _project(tmp_path, monkeypatch):
    (tmp_path / "configs" / "identity").mkdir(parents=True)
    (tmp_path / "data" / "identity").mkdir(parents=True)
    shutil.copy(CONFIG, tmp_path / "configs" / "identity")
    monkeypatch.chdir(tmp_path)


def publish(made, day):
    rows = made.profiles[made.profiles["first_seen"] <= day]
    rows.to_parquet("data/identity/profiles.parquet")
    assert main(["configs/identity/channels.yaml", "--as-of", day]) == 0
    published = read_published(Path("data/identity/customers") / day)
    return published.table.to_pandas(), published.changes.to_pandas(), published.folder


@pytest.mark.usefixtures("_project")
def test_days_of_the_shop(made, capsys):
    publish(made, "2023-10-01")
    before, _, _ = publish(made, "2023-10-02")
    after, changes, folder = publish(made, "2023-10-30")
    both = before.merge(after, on="profile_id", suffixes=("", "_now"))
    moved = both[both["customer_id"] != both["customer_id_now"]]
    logged = changes[changes["as_of"] == "2023-10-30"]
    pairs = moved.groupby(["customer_id", "customer_id_now"]).size()
    assert dict(pairs) == dict(logged.set_index(["customer_id", "into_customer_id"])["profiles"])
    assert 0 < len(moved) < 0.1 * len(both)
    assert len(pd.read_parquet(folder / BAD)) > 0
    assert "merged: " in capsys.readouterr().out


def test_caps_and_birth_dates_find_bad_identifiers_and_lift_precision(made):
    settings = read_settings(CONFIG)
    own = {"identifiers": settings.identifiers, "walls": settings.walls}
    customers = resolve(made.profiles, settings.rules, settings.hub_cap, **own)
    loose = [rule.model_copy(update={"agree": ()}) for rule in settings.rules]
    without = resolve(made.profiles, loose, 10**6, **own)
    truth = made.truth.to_numpy()
    assert pairwise(without.to_pandas()["customer_id"], truth).precision < 0.05
    now = b_cubed(customers.to_pandas()["customer_id"], truth)
    assert now.precision > 0.98
    assert now.f1 > b_cubed(without.to_pandas()["customer_id"], truth).f1 + 0.03
    found = made.bad.merge(customers.bad_identifiers, on=["identifier", "value"], how="left")
    shares = found["reason"].notna().groupby(found["kind"]).mean()
    assert (shares[shares.index.difference(["family_device", "recycled_phone"])] == 1).all()
    assert shares["recycled_phone"] > 0.15  # those of whom two birth dates are known
    births = made.profiles.groupby(["device", "region"])["birth_date"].nunique().groupby("device").max()
    devices = found[found["kind"] == "family_device"].set_index("value")["reason"].notna()
    assert devices.sum() > 3
    assert (devices == (births[devices.index] > 1)).all()
    region = made.profiles.set_index("profile_id")["region"]
    table = customers.to_pandas()
    assert (table.groupby("customer_id")["profile_id"].agg(lambda ids: region[ids].nunique()) == 1).all()


@pytest.mark.usefixtures("_project")
def test_every_option_of_the_settings(tmp_path_factory, capsys):
    made = simulated.profiles(tmp_path_factory.mktemp("few"), **{**WORLD, "customers": 500})
    shutil.copy(CONFIG.with_name("all_options.yaml"), "configs/identity")
    settings = read_settings(Path("configs/identity/all_options.yaml"))
    assert set(settings.model_fields_set) == set(type(settings).model_fields)
    made.profiles.to_parquet("data/identity/profiles.parquet")
    some = made.profiles[["profile_id", "region"]].head(400)
    pairs = some.merge(some, on="region", suffixes=("", "_b"))
    pairs = pairs[pairs["profile_id"] < pairs["profile_id_b"]]
    same = made.truth[pairs["profile_id"]].to_numpy() == made.truth[pairs["profile_id_b"]].to_numpy()
    labels = pd.DataFrame({"left": pairs["profile_id"], "right": pairs["profile_id_b"], "same": same})
    labels.to_csv("data/identity/labelled_pairs.csv", index=False)
    assert main(["configs/identity/all_options.yaml"]) == 0
    table = read_published(Path(settings.out)).table.to_pandas()
    rules = resolve(made.profiles, settings.rules, identifiers=settings.identifiers, walls=settings.walls)
    assert table["customer_id"].nunique() < len(rules)
    truth = made.truth.to_numpy()
    assert b_cubed(table["customer_id"], truth).f1 > b_cubed(rules.to_pandas()["customer_id"], truth).f1
    labels.drop(columns="same").to_csv("data/identity/labelled_pairs.csv", index=False)
    assert main(["configs/identity/all_options.yaml", "--as-of", "2024-11-02"]) == 2
    assert "no column same; give left, right, same" in capsys.readouterr().err
    labels.head(9).assign(same="maybe").to_csv("data/identity/labelled_pairs.csv", index=False)
    assert main(["configs/identity/all_options.yaml", "--as-of", "2024-11-02"]) == 2
    assert "neither true nor false in 9 of 9 rows" in capsys.readouterr().err
