"""Meta custom audience: hashed columns in files of 10,000 records, under a neutral file name.

All columns but the advertising id of the phone (madid) are SHA-256 of the form that Meta matches: phone
numbers are digits with country code, names without punctuation and spaces, places letters (with their marks)
and digits alone. Dots and tags of e-mail addresses stay.

References
----------
Meta for developers: Marketing API, Customer File Custom Audiences.
"""

import re
from pathlib import Path
from typing import Final

from crm_ml.delivery.exporters.export_plan import NO_CONTACT, Cell, ExportPlan, Options
from crm_ml.delivery.exporters.google import EMPTIED
from crm_ml.delivery.exporters.hashing import HEX
from crm_ml.delivery.exporters.readback import Rule, Shape, breaches_of, files_of
from crm_ml.tables.sql import literal

HEADER: Final = ("email", "phone", "madid", "fn", "ln", "ct", "st", "country", "zip")
CONTACTS: Final = ("email", "phone", "madid", "first_name", "last_name", "city", "state", "country", "zip")
MAX_ROWS: Final = 10_000
STEM: Final = "audience"
MADID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
NAME: Final = re.compile(r"audience-[0-9]{5}\.csv")
SOUND_MADID: Final = f"CASE WHEN regexp_full_match(lower(madid), '{MADID}') THEN lower(madid) END"
PLACED: Final = "first_name IS NOT NULL AND last_name IS NOT NULL AND coalesce(city, zip) IS NOT NULL"
SQL: Final = (
    "crm_hash(email)",
    "crm_hash(substr(phone, 2))",
    SOUND_MADID,
    "crm_hash_name(first_name)",
    "crm_hash_name(last_name)",
    "crm_hash_compact(city)",
    "crm_hash_compact(state)",
    "crm_hash(country)",
    "crm_hash_compact(CASE WHEN country = 'US' THEN left(zip, 5) ELSE zip END)",
)


def plan(options: Options) -> ExportPlan:
    """Plan CSV files of up to 10,000 records."""
    options.allow()
    nothing = f"email IS NULL AND phone IS NULL AND ({SOUND_MADID}) IS NULL AND NOT ({PLACED})"
    return ExportPlan(
        cells=tuple(Cell(name, sql, text=False) for name, sql in zip(HEADER, SQL, strict=True)),
        validate=validate,
        stem=STEM,
        contacts=CONTACTS,
        cleaned=CONTACTS,
        requires=(("email", "phone", "madid", "last_name"),),
        left_out=(*NO_CONTACT, ("no_address", nothing)),
        emptied=(*EMPTIED, ("bad_madid", f"madid IS NOT NULL AND ({SOUND_MADID}) IS NULL")),
        key=", ".join(f"({sql})" for sql in SQL),
        duplicate="duplicate",
        max_rows=MAX_ROWS,
        facts={"audience": "customer list"},
    )


def validate(path: Path) -> list[str]:
    """Return all breaches of a CSV file or of a folder of them, clear text and telling names included."""
    files = files_of(path, ".csv")
    rules = [
        Rule(f"{name} is no SHA-256", f"{name} <> '' AND NOT regexp_matches({name}, {literal(HEX)})")
        for name in HEADER
        if name != "madid"
    ]
    rules += [
        Rule("madid is none", f"madid <> '' AND NOT regexp_full_match(madid, '{MADID}')"),
        Rule(
            "there is no address",
            "email = '' AND phone = '' AND madid = '' AND (fn = '' OR ln = '' OR (ct = '' AND zip = ''))",
        ),
    ]
    telling = [f"{file.name}: the name is not neutral" for file in files if not NAME.fullmatch(file.name)]
    return telling + breaches_of(files, Shape(HEADER, tuple(rules), HEADER, max_rows=MAX_ROWS))


TOOLS = {"meta": plan}
