"""The apparel example of the package CLVTools, which lies beside the project where it is at hand."""

from pathlib import Path

import pandas as pd
import pytest

from crm_ml.clv import summarize

FOLDER = Path(__file__).resolve().parents[3] / "shared/cases/golden"
FIT_ENDS = "2007-01-01"  # 104 weeks after the first purchase of all


def lines():
    """Order lines of 600 customers, who all bought first on 2005-01-02."""
    path = FOLDER / "apparel_transactions.csv"
    if not path.is_file():
        pytest.skip(f"{path.name} is not beside the project")
    rows = pd.read_csv(path, dtype={"Id": str}, parse_dates=["Date"])
    cents = (rows["Price"] * 100).round().astype(int)
    return pd.DataFrame({"customer_id": rows["Id"], "ordered_at": rows["Date"], "paid_cents": cents})


def static():
    """Gender and Channel of each customer."""
    return pd.read_csv(FOLDER / "apparel_static_covariates.csv", dtype={"Id": str}).set_index("Id")


def weekly():
    """High.Season, Gender and Channel of each customer and week."""
    path = FOLDER / "apparel_dynamic_covariates.csv.gz"
    return pd.read_csv(path, dtype={"Id": str}, parse_dates=["Cov.Date"])


def summary(unit="W"):
    """Summary at the end of the fit, with Gender and Channel."""
    plain = summarize(lines(), FIT_ENDS, unit, with_first_value=True)
    joined = plain.join(static())
    joined.attrs = dict(plain.attrs)
    return joined
