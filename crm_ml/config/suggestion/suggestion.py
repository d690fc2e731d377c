"""A suggested config with its reasons, and what all families need to make one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from crm_ml.errors import InputError
from crm_ml.tables.bundle import Tables

SEED = 17
_TRAINING = "analytics"


@dataclass(frozen=True)
class Suggestion:
    """The content of a config file without ``data``, and a sentence for each setting that the data gave.

    Parameters
    ----------
    content : mapping of str to plain YAML types
    reasons : tuple of str
    """

    content: Mapping[str, Any]
    reasons: tuple[str, ...]


def registered(family: str, stated: Mapping[str, Any], as_of: date) -> dict[str, Any]:
    """Return ``register_as`` of a run: ``<family>_<name>`` on a day.

    Examples
    --------
    >>> registered("churn", {"name": "My shop"}, date(2024, 1, 1))["name"]
    'churn_my_shop'
    """
    name = re.sub(r"[^a-z0-9_-]+", "_", str(stated.get("name") or "").lower()).strip("_")
    return {"name": f"{family}_{name}" if name else family, "as_of": as_of}


def purpose_of(tables: Tables, stated: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the purpose for whose consents rows train a model, and why it is taken.

    Raises
    ------
    InputError
        If the tables have consents, none to analytics, and several purposes.
    """
    if stated.get("purpose"):
        return {"purpose": str(stated["purpose"])}, ()
    if not tables.has("consents"):
        return {}, ()
    from crm_ml.tables.bundle import to_pandas

    known = sorted(to_pandas(tables.frame("consents").select("purpose").unique())["purpose"].dropna())
    if _TRAINING not in known and len(known) != 1:
        named = ", ".join(known) or "none"
        raise InputError(f"consents: state purpose=, the one that lets rows train a model; there are {named}")
    purpose = _TRAINING if _TRAINING in known else known[0]
    return {"purpose": purpose}, (f"purpose {purpose}: only customers who allow it train the model",)


def day_stated(stated: Mapping[str, Any], key: str) -> date | None:
    """Return a stated day, or None.

    Raises
    ------
    InputError
        If it is no date.
    """
    value = stated.get(key)
    if value is None or (isinstance(value, date) and not hasattr(value, "hour")):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise InputError(f"{key} is {value!r}; write it as YYYY-MM-DD") from error
