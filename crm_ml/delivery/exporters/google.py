"""Google Customer Match: hashed e-mail address, phone number and name; country and zip in clear text.

Names, country and zip match only together, so they are written where a contact has all four. Addresses at
gmail.com and googlemail.com are hashed without dots and tag. The file holds no customer_id.

References
----------
Google Ads help: format your customer data file. Google, Data Manager API: format user data.
"""

from pathlib import Path
from typing import Final

from crm_ml.delivery.exporters.export_plan import NO_CONTACT, Cell, ExportPlan, Options
from crm_ml.delivery.exporters.hashing import HEX
from crm_ml.delivery.exporters.readback import Rule, Shape, breaches_of, files_of
from crm_ml.tables.sql import ident, literal

HEADER: Final = ("Email", "Phone", "First Name", "Last Name", "Country", "Zip")
HASHED: Final = HEADER[:4]
CONTACTS: Final = ("email", "phone", "first_name", "last_name", "country", "zip")
PLACE: Final = "first_name IS NOT NULL AND last_name IS NOT NULL AND country IS NOT NULL AND " + (
    "coalesce(regexp_full_match(zip, '[A-Za-z0-9][A-Za-z0-9 -]{1,11}'), false)"
)
SQL: Final = (
    "crm_hash_google_email(email)",
    "crm_hash(phone)",
    f"CASE WHEN {PLACE} THEN crm_hash(first_name) END",
    f"CASE WHEN {PLACE} THEN crm_hash(last_name) END",
    f"CASE WHEN {PLACE} THEN country END",
    f"CASE WHEN {PLACE} THEN zip END",
)
EMPTIED: Final = (
    ("bad_email", "email_problem = 'bad_email'"),
    ("bad_phone", "phone_problem = 'bad_phone'"),
    ("phone_without_country", "phone_problem = 'phone_without_country'"),
    ("ambiguous_phone", "phone_problem = 'ambiguous_phone'"),
)


def plan(options: Options) -> ExportPlan:
    """Plan one CSV file; phone numbers are E.164 before they are hashed."""
    options.allow()
    return ExportPlan(
        cells=tuple(Cell(name, sql, text=False) for name, sql in zip(HEADER, SQL, strict=True)),
        validate=validate,
        stem="google",
        contacts=CONTACTS,
        cleaned=CONTACTS,
        requires=(("email", "phone", "zip"),),
        left_out=(
            *NO_CONTACT,
            ("no_address", f"{SQL[0]} IS NULL AND phone IS NULL AND NOT coalesce({PLACE}, false)"),
        ),
        emptied=(
            ("bad_email", f"email_problem = 'bad_email' OR (email IS NOT NULL AND {SQL[0]} IS NULL)"),
            *EMPTIED[1:],
            ("no_whole_name_and_place", f"NOT coalesce({PLACE}, false)"),
        ),
        shortened=(("gmail_dots_and_tag", f"{SQL[0]} <> crm_hash(email)"),),
        key=", ".join(f"({sql})" for sql in SQL),
        duplicate="duplicate",
    )


def validate(path: Path) -> list[str]:
    """Return all breaches of a CSV file or of a folder of them; personal data in clear text is one."""
    rules = [
        Rule(
            f"{name} is no SHA-256",
            f"{ident(name)} <> '' AND NOT regexp_matches({ident(name)}, {literal(HEX)})",
        )
        for name in HASHED
    ]
    rules += [
        Rule(
            "Country is no code of two letters",
            "Country <> '' AND NOT regexp_full_match(Country, '[A-Z]{2}')",
        ),
        Rule("Zip is none", "Zip <> '' AND NOT regexp_full_match(Zip, '[A-Za-z0-9][A-Za-z0-9 -]{1,11}')"),
        Rule(
            "there is neither an address nor a whole name and place",
            "Email = '' AND Phone = '' AND ('' IN (\"First Name\", \"Last Name\", Country, Zip))",
        ),
    ]
    return breaches_of(files_of(path, ".csv"), Shape(HEADER, tuple(rules), HEADER))


TOOLS = {"google": plan}
