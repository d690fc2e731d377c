"""Salesforce Marketing Cloud: rows of a data extension, one a subscriber key.

References
----------
Salesforce help: Data Extensions in Marketing Cloud Engagement; Import Data.
"""

from pathlib import Path

from crm_ml.delivery.exporters.csv_cells import is_formula
from crm_ml.delivery.exporters.export_plan import DECISION, EMAIL, NO_CONTACT, Cell, ExportPlan, Options
from crm_ml.delivery.exporters.readback import Rule, Shape, blank, breaches_of, files_of
from crm_ml.delivery.exporters.recipients import EMAIL as EMAIL_FORM
from crm_ml.tables.sql import literal

HEADER = ("SubscriberKey", "EmailAddress", *(cell.name for cell in DECISION))


def plan(options: Options) -> ExportPlan:
    """Plan one CSV file whose header names the attributes of the data extension."""
    options.allow()
    return ExportPlan(
        cells=(Cell("SubscriberKey", "customer_id"), Cell("EmailAddress", "email", text=False), *DECISION),
        validate=validate,
        stem="salesforce",
        contacts=("email",),
        requires=(("email",),),
        left_out=(*NO_CONTACT, *EMAIL, ("email_like_formula", is_formula("email"))),
    )


def validate(path: Path) -> list[str]:
    """Return all breaches of a CSV file or of a folder of them."""
    form = f"NOT regexp_full_match(EmailAddress, {literal(EMAIL_FORM)})"
    rules = (*blank("SubscriberKey"), Rule("EmailAddress is none", form))
    return breaches_of(files_of(path, ".csv"), Shape(HEADER, rules, ("SubscriberKey",)))


TOOLS = {"salesforce": plan}
