"""Klaviyo: profiles of a list by e-mail address or by phone number, only of customers who opted in.

A row is opted in if the list took its consent from the consents table (``consent_basis``), or if the contact
has the time of consent (``email_consent_at`` or ``sms_consent_at``, ISO 8601). Rows that are known to be of
another channel are left out, since consent is given by channel.

References
----------
Klaviyo help centre: how to import subscribers with a CSV file.
"""

from pathlib import Path
from typing import Final

from crm_ml.actions.consent_check import TABLE
from crm_ml.delivery.exporters.csv_cells import is_formula
from crm_ml.delivery.exporters.export_plan import (
    DECISION,
    EMAIL,
    NO_CONTACT,
    PHONE,
    Cell,
    ExportPlan,
    Options,
    other_channel,
)
from crm_ml.delivery.exporters.readback import Rule, Shape, breaches_of, files_of, header_of
from crm_ml.delivery.exporters.recipients import EMAIL as EMAIL_FORM
from crm_ml.tables.sql import literal

MAX_BYTES: Final = 50_000_000
FIRST: Final = {"email": "Email Address", "phone": "Phone Number"}
CONSENT: Final = {"email": "Email Consent Timestamp", "phone": "SMS Consent Timestamp"}
ISO_8601: Final = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})"
)
E164: Final = r"[+][1-9][0-9]{6,14}"


def plan(options: Options) -> ExportPlan:
    """Plan CSV files of up to 50 MB, by e-mail address unless the options say phone."""
    options.allow("by", by=("email", "phone"))
    by = options.by or "email"
    time = "email_consent_at" if by == "email" else "sms_consent_at"
    iso = f"regexp_full_match({time}, {literal(ISO_8601)})"
    opted_in = f"coalesce(consent_basis = {literal(TABLE)}, false) OR coalesce({iso}, false)"
    address = (*EMAIL, ("email_like_formula", is_formula("email"))) if by == "email" else PHONE
    return ExportPlan(
        cells=(
            Cell(FIRST[by], by, text=False),
            Cell(CONSENT[by], f"CASE WHEN {iso} THEN {time} END", text=False),
            *DECISION,
        ),
        validate=validate,
        stem="klaviyo",
        contacts=("email", time) if by == "email" else ("phone", "country", time),
        requires=((by,),),
        left_out=(
            *other_channel(options, "email" if by == "email" else "sms"),
            *NO_CONTACT,
            *address,
            ("not_opted_in", f"NOT ({opted_in})"),
        ),
        emptied=(("consent_time_not_iso_8601", f"{time} IS NOT NULL AND NOT {iso}"),),
        key=f"lower({by})",
        duplicate=f"duplicate_{by}",
        max_bytes=MAX_BYTES,
    )


def validate(path: Path) -> list[str]:
    """Return all breaches of a CSV file or of a folder of them."""
    files = files_of(path, ".csv")
    header = header_of(files)
    by = "phone" if header[:1] == (FIRST["phone"],) else "email"
    if header[:1] != (FIRST[by],):
        return [*breaches_of(files, Shape(header or (FIRST[by],), max_bytes=MAX_BYTES)), _NO_ADDRESS]
    form = EMAIL_FORM if by == "email" else E164
    rules = [Rule(f"{FIRST[by]} is none", f'NOT regexp_full_match("{FIRST[by]}", {literal(form)})')]
    rules += [
        Rule(
            f"{name} is not ISO 8601",
            f'"{name}" <> \'\' AND NOT regexp_full_match("{name}", {literal(ISO_8601)})',
        )
        for name in CONSENT.values()
        if name in header
    ]
    return breaches_of(files, Shape(header, tuple(rules), (FIRST[by],), MAX_BYTES))


_NO_ADDRESS = f"the first column is neither {FIRST['email']} nor {FIRST['phone']}"
TOOLS = {"klaviyo": plan}
