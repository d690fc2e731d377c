"""A project whose customers' ids, attributes and further columns are canaries, each kind with its own."""

import json
import random
from datetime import date, timedelta
from pathlib import Path

ID, PERSONAL, IGNORED = "IdCanary", "MailCanary", "NoteCanary"
CUSTOMERS = 320
CONFIG = {
    "family": "churn",
    "data": {"name": "configs/data/shop.yaml"},
    "target": {"horizon_days": 28, "active_within_days": 56},
    "split": {"test": ["2024-11-05", "2024-12-03"], "training_snapshots": 1, "every_days": 7,
              "earliest": "2024-03-01"},
    "features": {"rfm": {}, "attributes": {}},
    "model": {"name": "gradient_boosting", "options": {"rounds": 10, "n_seeds": 1, "num_threads": 1}},
    "baselines": [{"name": "recency_rule"}],
    "calibration": {},
    "leave_out": ["rfm_*_180d", "rfm_*_365d", "attribute_mail"],
    "register_as": {"name": "churn_shop", "as_of": "2024-12-31"},
}  # fmt: skip


def write(folder: Path) -> None:
    """Write files, mapping and the config ``churn/shop`` into a folder."""
    draw = random.Random(1)
    towns = [f"{PERSONAL} {name}" for name in ("Hill", "Town", "Burg")]
    people, lines = [], []
    for number in range(CUSTOMERS):
        name, town = f"{ID}{number}", draw.choice(towns)
        people.append(f"{name},{PERSONAL}{number}@x.com,{town},{IGNORED}")
        day = date(2024, 1, 1) + timedelta(days=draw.randrange(60))
        end = date(2024, 12, 31) if draw.random() < 0.6 else date(2024, draw.randrange(4, 12), 1)
        gap = draw.choice([7, 14, 30])
        while day < end:
            lines.append(f"o{len(lines)},1,{name},x,{day},1,{draw.randrange(100, 900)},{IGNORED}")
            day += timedelta(days=1 + int(draw.expovariate(1 / gap)))
    people.append(f",{PERSONAL}@x.com,{PERSONAL},{IGNORED}")
    _write(folder / "c.csv", "customer_id,mail,town,note", people)
    _write(
        folder / "o.csv", "order_id,line_id,customer_id,item_id,ordered_at,quantity,paid_cents,note", lines
    )
    customers = {"path": "c.csv", "attributes": {"mail": "mail", "town": "town"}, "ignore": ["note"]}
    customers |= {"personal": ["mail", "town"], "allow": {"null_customer_id": 1}}
    orders = {"path": "o.csv", "ignore": ["note"]}
    content = {"customers": customers, "order_lines": orders, "items": {"ids_of": ["order_lines"]}}
    for name, part in (("data", {"name": "shop", "tables": content}), ("churn", CONFIG)):
        (folder / "configs" / name).mkdir(parents=True)
        (folder / "configs" / name / "shop.yaml").write_text(json.dumps(part))


def _write(path: Path, header: str, rows: list[str]) -> None:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
