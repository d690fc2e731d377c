"""Attributes of the table of customers beside their summary, as covariates of a purchase model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crm_ml.errors import InputError
from crm_ml.tables.bundle import Tables, to_pandas

if TYPE_CHECKING:
    import pandas as pd


def with_attributes(summary: "pd.DataFrame", tables: Tables, names: Sequence[str]) -> "pd.DataFrame":
    """Return the summary with attributes of its customers, by which `crm_ml.clv.WithCovariates` tells them.

    Attributes have no date: take only those that do not change with what customers buy.

    Parameters
    ----------
    summary : pandas.DataFrame
        Indexed by customer_id.
    tables : Tables
    names : sequence of str
        Columns of the table ``customers``.

    Raises
    ------
    InputError
        If a name is no attribute, or a column of the summary already.
    """
    customers = tables.frame("customers")
    present = customers.collect_schema().names()
    missing = [name for name in names if name not in present]
    if missing:
        others = [name for name in present if name != "customer_id"]
        raise InputError(
            f"customers: no attribute {', '.join(missing)}; there are {', '.join(others) or 'none'}; "
            "declare it under attributes of the mapping"
        )
    twice = [name for name in names if name in summary.columns]
    if twice:
        raise InputError(f"summary: {', '.join(twice)} is a column already; leave it out of the names")
    known = to_pandas(customers.select("customer_id", *dict.fromkeys(names)))
    joined = summary.join(known.set_index("customer_id"))
    joined.attrs = dict(summary.attrs)
    return joined
