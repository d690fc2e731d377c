"""Why two profiles are one customer, or why they are not."""

import pandas as pd
import pytest

from crm_ml.errors import InputError
from crm_ml.identity import Rule, resolve

PROFILES = pd.DataFrame(
    {
        "profile_id": ["app", "web", "shop", "kiosk1", "kiosk2", "kiosk3", "old", "new"],
        "phone": ["13800138000"] * 2 + [None] + ["99999999999"] * 3 + ["777777777"] * 2,
        "email": [None, "ada@mail.org", "ada@mail.org", None, None, None, None, None],
        "birth_date": [None] * 6 + ["1960-01-01", "1999-01-01"],
        "region": ["CN"] * 4 + ["EU"] + ["CN"] * 3,
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def customers():
    return resolve(PROFILES, [Rule(same="phone", cap=2, agree="birth_date"), "email"])


def test_a_chain_names_rule_and_value_of_each_step_without_the_whole_value(customers):
    told = customers.explain("app", "shop")
    assert told.joined
    assert [(step.profile_id, step.next_profile_id, step.by) for step in told.steps] == [
        ("app", "web", "phone"),
        ("web", "shop", "email"),
    ]
    assert str(told).splitlines() == [
        "one customer",
        "app - web: phone 138...00",
        "web - shop: email ada...rg",
    ]


def test_a_cap_a_contradiction_and_nothing_in_common_are_said(customers):
    assert customers.explain("kiosk1", "kiosk2").reasons == (
        "both have phone 999...99, of 3 profiles: shared by more than 2 profiles",
    )
    assert customers.explain("old", "new").reasons == (
        "both have phone 777...77, of 2 profiles: several birth_date",
    )
    assert customers.explain("app", "old").reasons == (
        "they share no identifier of a rule, and no chain of profiles connects them",
    )


def test_a_wall_is_said():
    walled = resolve(PROFILES, ["phone"], walls=["region"])
    told = walled.explain("kiosk1", "kiosk2")
    assert not told.joined
    assert told.reasons == ("a wall is between them, or one of them is joined with none",)


def test_an_unknown_profile_is_named(customers):
    with pytest.raises(InputError, match="no profile 'app2' among 8"):
        customers.explain("app", "app2")
