"""WeCom: shards of one action and one sender, of customers or of group chats.

A member of the company confirms each shard before it is sent. A group gets one message a day, so it is
in one shard only: for the customer in it whose row has the lowest slot and the highest expected value.

References
----------
WeCom developer documentation: create an enterprise mass message (10,000 customers or 2,000 chats a task).
"""

from pathlib import Path
from typing import Final

from crm_ml.delivery.exporters.export_plan import NO_CONTACT, Cell, ExportPlan, Options, other_channel
from crm_ml.delivery.exporters.readback import Shape, blank, breaches_of, files_of, header_of

IDS: Final = {"customer": "external_userid", "chat": "chat_id"}
MAX_ROWS: Final = {"external_userid": 10_000, "chat_id": 2_000}


def plan(options: Options) -> ExportPlan:
    """Plan a CSV file for each action and sender: up to 10,000 customers, or 2,000 chats."""
    options.allow("by", by=("customer", "chat"))
    name = IDS[options.by or "customer"]
    return ExportPlan(
        cells=(Cell("sender", "sender"), Cell(name, name)),
        validate=validate,
        stem="wecom",
        contacts=("sender", name),
        requires=(("sender",), (name,)),
        left_out=(
            *other_channel(options, "wecom"),
            *NO_CONTACT,
            (f"no_{name}", f"{name} IS NULL"),
            ("no_sender", "sender IS NULL"),
        ),
        key=name,
        duplicate="same_chat" if name == "chat_id" else "duplicate_external_userid",
        shard=("action_id", "channel", "sender"),
        named=("action_id",),
        max_rows=MAX_ROWS[name],
    )


def validate(path: Path) -> list[str]:
    """Return all breaches of a shard or of a folder of them; ids that occur in two shards among them."""
    files = files_of(path, ".csv")
    header = header_of(files)
    name = header[1] if len(header) == 2 and header[1] in MAX_ROWS else "external_userid"
    shape = Shape(("sender", name), tuple(blank("sender", name)), (name,), max_rows=MAX_ROWS[name])
    return breaches_of(files, shape) + [breach for file in files for breach in _senders(file)]


def _senders(file: Path) -> list[str]:
    """Return a breach if a shard has several senders."""
    import csv

    with file.open(encoding="utf-8", errors="replace", newline="") as content:
        rows = csv.reader(line.replace("\x00", "") for line in content)
        senders = {row[0] for number, row in enumerate(rows) if number and row}
    return [f"{file.name}: a shard has one sender, this has {len(senders):,}"] if len(senders) > 1 else []


TOOLS = {"wecom": plan}
