"""The rows and the funnel of a list as pandas frames: reasons in words, money in major units."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.actions.catalog import Action
from crm_ml.decision.funnel import Funnel
from crm_ml.lists.page.funnel_part import STEPS
from crm_ml.lists.page.reason_text import item_in_words, reason_in_words
from crm_ml.pages import Currency

if TYPE_CHECKING:
    import pandas as pd

_FIRST = ("customer_id", "action_id", "channel", "expected_value", "cost", "reasons")
_MONEY = ("expected_value", "cost", "clv")  # in the major unit, beside the column of cents


def rows_of(path: Path, actions: Sequence[Action], currency: Currency, zone: str) -> "pd.DataFrame":
    """Return the rows of a list with what a person reads first.

    Parameters
    ----------
    path : Path
        Of ``list.parquet``.
    actions : sequence of Action
        Each on one channel.
    currency : Currency
    zone : str
        Of the hours in reasons.

    Returns
    -------
    pandas.DataFrame
        All columns of the list, see `crm_ml.lists.list_file`, and before them ``expected_value``, ``cost``
        and ``clv`` in the major unit, ``reasons`` in words, and ``assumption``, what the effect rests on.
    """
    import pandas as pd

    rows = pd.read_parquet(path)
    for name in _MONEY:
        rows[name] = rows[f"{name}_cents"].astype("float64") / 10**currency.digits
    rows["reasons"] = [
        "; ".join(sentences_of(row, currency, zone)) for row in rows[_TOLD].to_dict("records")
    ]  # fmt: skip
    assumed = {(action.action_id, action.channel): action.value.assumption for action in actions}
    keys = zip(rows["action_id"], rows["channel"], rows["value_basis"], strict=True)
    rows["assumption"] = [
        "" if basis.startswith("uplift of ") else assumed[name, channel] for name, channel, basis in keys
    ]
    return rows[[*_FIRST, *(name for name in rows if name not in _FIRST)]]


_TOLD = ["reason_codes", "value_basis", "item_ids", "item_reasons"]


def sentences_of(row: "Mapping[Any, Any] | pd.Series[Any]", currency: Currency, zone: str) -> list[str]:
    """Return why a row is in the list, a sentence for each reason code and each item."""
    codes = [reason_in_words(str(code), row["value_basis"], currency, zone) for code in row["reason_codes"]]
    whys = list(row["item_reasons"])
    items = [
        f"item {item}: {item_in_words(str(why))}"
        for item, why in zip(row["item_ids"], whys, strict=len(whys) > 0)
    ]
    return codes + items


def funnel_of(funnel: Funnel) -> "pd.DataFrame":
    """Return how many customers each step leaves, and how many each action-channel loses to it first.

    Returns
    -------
    pandas.DataFrame
        A row for each step, from all known customers to the rows of the list; the column ``customers left``
        and one for each action-channel with the customers that end there.
    """
    import pandas as pd

    by_action, listed = funnel.by_action_channel, "listed"
    pairs = {key: counted[listed] for key, counted in by_action.items()}
    first = {"customers left": funnel.customers} | dict.fromkeys(by_action, 0)
    rows = {"known": first}
    for step, (_, lost) in STEPS.items():
        left = funnel.left.get(step, sum(pairs.values()))
        rows[lost] = {"customers left": left} | {key: counted[step] for key, counted in by_action.items()}
    rows[listed] = {"customers left": sum(pairs.values())} | pairs
    return pd.DataFrame.from_dict(rows, orient="index")
