"""What an exporter is: a plan of the cells of its files, in DuckDB's SQL over the rows of a list."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from crm_ml.errors import ConfigError
from crm_ml.tables.strict import Strict

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Options(Strict):
    """Which rows of a list are exported, for which tool, and how.

    Parameters
    ----------
    to : str
        Name of the tool.
    contacts : Path, optional
        CSV or Parquet file with customer_id and addresses.
    actions : tuple of str
        Rows of these actions only; all where it is empty.
    channels : tuple of str
        Rows of these channels only; all where it is empty.
    default_country : str, optional
        Two letters (ISO 3166); what phone numbers without country code belong to where the contact names
        none.
    by : str, optional
        What identifies a row where a tool knows several ways: ``email`` or ``phone`` (klaviyo), ``customer``
        or ``chat`` (wecom).
    alias_label : str, optional
        Braze: write user aliases of this label and no external_id.
    variables : tuple of str
        SMS: columns of the contacts that follow the number, for the template.
    """

    to: str
    contacts: Path | None = None
    actions: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    default_country: Country | None = None
    by: Literal["email", "phone", "customer", "chat"] | None = None
    alias_label: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    variables: tuple[str, ...] = ()

    def allow(self, *names: str, by: tuple[str, ...] = ()) -> None:
        """Refuse options that the tool does not have.

        Raises
        ------
        ConfigError
            With all of them.
        """
        special = ("by", "alias_label", "variables")
        wrong = [
            f"--{name.replace('_', '-')}" for name in special if name not in names and getattr(self, name)
        ]
        if self.by is not None and "by" in names and self.by not in by:
            wrong.append(f"--by {self.by}")
        if wrong:
            raise ConfigError(f"{self.to} has no {', '.join(wrong)}; leave it out")


@dataclass(frozen=True)
class Cell:
    """One column of a file.

    Parameters
    ----------
    name : str
    sql : str
        Over the rows of `crm_ml.delivery.exporters.recipients`.
    text : bool
        Whether it is text that must not start like a formula. Numbers, times, hashes, phone numbers in E.164
        and e-mail addresses are not: they are written as they are, or the row is left out.
    """

    name: str
    sql: str
    text: bool = True


@dataclass(frozen=True)
class ExportPlan:
    """The files of one tool.

    Parameters
    ----------
    cells : tuple of Cell
    validate : callable
        Given a file, or a folder of files; returns all breaches.
    stem : str
        How the files' names begin.
    contacts : tuple of str
        Columns of the contacts that are used.
    requires : tuple of tuple of str
        Of each group at least one column must be there; no group where no contacts are needed.
    cleaned : tuple of str
        Columns of the contacts that are freed of invisible characters and composed (NFC): addresses, and all
        that is hashed. Others are written as they are.
    left_out : tuple of (reason, condition)
        SQL; a row is left out for the first condition that holds.
    emptied : tuple of (reason, condition)
        SQL; what is left empty in rows that are exported nevertheless.
    shortened : tuple of (reason, condition)
        SQL; what is counted as changed beside the cleaned columns.
    key : str
        SQL; of rows with one key only one is exported: the lowest slot, then the highest expected value, then
        the first.
    duplicate : str
        The reason that the others are counted under.
    shard : tuple of str
        Columns; a file holds rows of one value of each.
    named : tuple of str
        Those of them whose values are part of the file name.
    max_bytes, max_rows : int, optional
        Of one file, header included in the bytes.
    suffix : {".csv", ".txt", ".parquet"}
        Only CSV files have a header line.
    facts : dict
        Further entries of the manifest.
    """

    cells: tuple[Cell, ...]
    validate: Callable[[Path], list[str]]
    stem: str
    contacts: tuple[str, ...] = ()
    requires: tuple[tuple[str, ...], ...] = ()
    cleaned: tuple[str, ...] = ("email", "phone")
    left_out: tuple[tuple[str, str], ...] = ()
    emptied: tuple[tuple[str, str], ...] = ()
    shortened: tuple[tuple[str, str], ...] = ()
    key: str = "customer_id"
    duplicate: str = "further_slot"
    shard: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    max_bytes: int | None = None
    max_rows: int | None = None
    suffix: Literal[".csv", ".txt", ".parquet"] = ".csv"
    facts: dict[str, str] = field(default_factory=dict)


def utc(column: str) -> str:
    """Return the SQL of a time as ISO 8601 text in UTC, to the second."""
    return f"strftime({column} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ')"


DECISION = (
    Cell("nba_action", "action_id"),
    Cell("nba_channel", "channel"),
    Cell("nba_items", "to_json(item_ids)::VARCHAR"),
    Cell("nba_send_at", utc("send_at"), text=False),
    Cell("nba_expires_at", utc("expires_at"), text=False),
    Cell("nba_list", "list_id"),
)
NO_CONTACT = (
    ("no_contact", "contact_rows IS NULL"),
    ("conflicting_contacts", "contact_rows > 1"),
)
EMAIL = (
    ("no_email", "email_problem = 'no_email'"),
    ("bad_email", "email_problem = 'bad_email'"),
)
PHONE = (
    ("no_phone", "phone_problem = 'no_phone'"),
    ("bad_phone", "phone_problem = 'bad_phone'"),
    ("phone_without_country", "phone_problem = 'phone_without_country'"),
    ("ambiguous_phone", "phone_problem = 'ambiguous_phone'"),
)
KINDS = {
    "email": ("email", "e-mail", "e_mail"),
    "sms": ("sms",),
    "push": ("push", "app_push"),
    "wecom": ("wecom", "wecom_group"),
    "phone": ("phone", "call"),
    "post": ("post", "letter"),
    "store": ("store",),
    "mini_program": ("mini_program", "mini-program"),
}


def other_channel(options: Options, kind: str) -> tuple[tuple[str, str], ...]:
    """Return the condition that leaves out rows of another channel, since consent is given by channel.

    Nothing is left out where the options name channels; channels of an unknown name are not left out.
    """
    if options.channels:
        return ()
    others = ", ".join(f"'{name}'" for other, names in KINDS.items() if other != kind for name in names)
    return (("other_channel", f"channel IN ({others})"),)
