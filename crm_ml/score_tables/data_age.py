"""How long before the day of a list the tables end, and from when on nothing is scored."""

from collections.abc import Iterable
from datetime import date

from crm_ml.errors import InputError
from crm_ml.pages.number_format import count
from crm_ml.score_tables.source import Source
from crm_ml.snapshots import end_of_rows
from crm_ml.tables.bundle import Tables

_TABLES, _OLDEST_DAYS = ("order_lines", "events"), 28


def age_of(tables: Tables, day: date) -> tuple[int, str]:
    """Return the days between the end of the tables and a day, with a sentence that says so.

    The tables end with the day of the newest order or event; of tables without such a row, or with one of the
    day itself or a later one, the age is 0 and the sentence empty.
    """
    ends = []
    for name in _TABLES:
        if tables.has(name) and (end := end_of_rows(tables, name)) is not None:
            ends.append(end.date())
    days = (day - max(ends)).days if ends else 0
    if days <= 0:
        return 0, ""
    return days, (
        f"the tables end on {max(ends)}, {count(days, 'day')} before the day of the list ({day}), so who "
        "bought since is not known; newer tables or an earlier day mend it"
    )


def check_age(tables: Tables, day: date, sources: Iterable[Source]) -> None:
    """Refuse a day that lies further after the tables than 28 days and the longest horizon of the models.

    Raises
    ------
    InputError
        The message names both days.
    """
    days, sentence = age_of(tables, day)
    if days > max([_OLDEST_DAYS, *(source.horizon_days for source in sources)]):
        raise InputError(sentence)
