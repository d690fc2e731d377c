"""The day that a notebook names."""

from datetime import date, datetime, time

from crm_ml.errors import ConfigError


def day_of(as_of: object) -> date:
    """Return a day that is given as text, as a date, or as the time at its start.

    Raises
    ------
    ConfigError
        If it is no day, or a time after its start.

    Examples
    --------
    >>> day_of("2024-06-01"), day_of(datetime(2024, 6, 1))
    (datetime.date(2024, 6, 1), datetime.date(2024, 6, 1))
    """
    try:
        moment = datetime.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    except ValueError:
        moment = None
    if not isinstance(moment, date) or moment != moment:  # the missing time of pandas is not itself
        raise ConfigError(f"as_of: {as_of!r} is no day; write it as YYYY-MM-DD")
    if not isinstance(moment, datetime):
        return moment
    if moment.time() != time():
        raise ConfigError(f"as_of: {as_of} is a time of the day; take the start of a day, as YYYY-MM-DD")
    return moment.date()
