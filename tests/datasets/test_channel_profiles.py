"""Profiles of four channels of the simulated shop: what they show, what is wrong, whose they are."""

import pandas as pd
import pytest

from crm_ml.datasets import simulated
from crm_ml.datasets._channel_profiles import BAD, SHOWN, SOURCES

WORLD = {"customers": 3000, "days": 200, "campaigns": 0, "seed": 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("simulated")


@pytest.fixture(scope="module")
def made(folder):
    return simulated.profiles(folder, **WORLD)


def test_each_customer_has_profiles_and_each_profile_a_customer(made, folder):
    customers = simulated.load(folder, **WORLD).pandas("customers")
    assert set(made.truth) == set(customers["customer_id"])
    assert made.truth.index.tolist() == made.profiles["profile_id"].tolist()
    assert made.profiles["profile_id"].is_unique
    assert set(made.profiles["source"]) == set(SOURCES)
    first = customers.set_index("customer_id")["registered_at"].dt.strftime("%Y-%m-%d")
    assert (made.profiles["first_seen"].to_numpy() >= first[made.truth].to_numpy()).all()


def test_channels_show_what_they_know(made):
    shares = made.profiles.notna().groupby(made.profiles["source"])[list(SHOWN)].mean()
    for name, by_channel in SHOWN.items():
        for source, share in zip(SOURCES, by_channel, strict=True):
            assert shares.loc[source, name] == pytest.approx(share, abs=0.06)


def test_all_ten_kinds_of_bad_identifiers_are_shared_by_customers(made):
    assert len(BAD) == 10
    assert set(made.bad["kind"]) == set(BAD)


def test_the_same_settings_make_the_same_profiles(made, folder):
    again = simulated.profiles(folder, **WORLD)
    pd.testing.assert_frame_equal(again.profiles, made.profiles)
    pd.testing.assert_frame_equal(again.bad, made.bad)
    other = simulated.profiles(folder, **{**WORLD, "seed": 4})
    assert not other.profiles["phone"].equals(made.profiles["phone"])
