"""SMS gateways: text files of one action each, one number in E.164 a line, with the template's variables.

A number occurs only once in all files.
"""

from pathlib import Path
from typing import Final

from crm_ml.delivery.exporters.csv_cells import is_formula
from crm_ml.delivery.exporters.export_plan import NO_CONTACT, PHONE, Cell, ExportPlan, Options, other_channel
from crm_ml.delivery.exporters.klaviyo import E164
from crm_ml.delivery.exporters.readback import Rule, Shape, blank, breaches_of, files_of
from crm_ml.delivery.exporters.recipients import LISTED
from crm_ml.errors import ConfigError
from crm_ml.tables.sql import ident, literal

NUMBER: Final = "number"


def plan(options: Options) -> ExportPlan:
    """Plan a text file for each action and channel; the variables follow the number, separated by commas.

    Raises
    ------
    ConfigError
        If a variable can't be one.
    """
    options.allow("variables")
    taken = sorted({*LISTED, NUMBER} & set(options.variables))
    if taken or len(set(options.variables)) < len(options.variables):
        raise ConfigError(f"--variable names a column of the contacts, each once, and not {', '.join(taken)}")
    ids = {name: ident(name) for name in options.variables}
    missing = " OR ".join(f"{sql} IS NULL" for sql in ids.values()) or "false"
    bad = " OR ".join(_unfit(sql) for sql in ids.values()) or "false"
    return ExportPlan(
        cells=(Cell(NUMBER, "phone", text=False), *(Cell(name, sql) for name, sql in ids.items())),
        validate=validate,
        stem="sms",
        contacts=("phone", "country", *(name for name in ids if name not in ("phone", "country"))),
        requires=(("phone",), *((name,) for name in ids)),
        left_out=(
            *other_channel(options, "sms"),
            *NO_CONTACT,
            *PHONE,
            ("missing_variable", missing),
            ("bad_variable", bad),
        ),
        key="phone",
        duplicate="duplicate_phone",
        shard=("action_id", "channel"),
        named=("action_id", "channel"),
        suffix=".txt",
    )


def validate(path: Path) -> list[str]:
    """Return all breaches of a text file or of a folder of them, numbers that occur twice among them."""
    files = files_of(path, ".txt")
    names = (NUMBER, *(f"variable {i + 1}" for i in range(_variables(files[0]) if files else 0)))
    rules = (
        Rule("the number is not E.164", f"NOT regexp_full_match({NUMBER}, {literal(E164)})"),
        *blank(*names[1:]),
    )
    return breaches_of(files, Shape(names, rules, (NUMBER,), has_header=False))


def _variables(file: Path) -> int:
    """Return how many variables the first line has."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        return lines.readline().count(",")


def _unfit(sql: str) -> str:
    """Return the SQL condition that a value would break the line, or starts like a formula."""
    special = literal('[",\\r\\n]')
    return f"regexp_matches({sql}, {special}) OR {is_formula(sql)}"


TOOLS = {"sms": plan}
