"""Faults of times: zones, fractions, epochs, placeholders and what lies beyond any shop."""

import numpy as np
from clean_shop import DAY_S
from faults import Planting, fault
from shop_exports import clock, local

_UNREAL = "sentinel_ordered_at implausible_ordered_at unreadable_ordered_at"
_AT = "ordered_at_epoch_s"
_FUTURE = {"allow": {"future": 0.02}}


@fault("fractions of seconds", "repair", "text offsets typed")
def fractions(at: Planting) -> None:
    """Write .9 to .999999999 after the seconds; the second stays what it was."""
    if at.dialect.name == "typed":
        at.put("sold_at", [cell + part for cell, part in zip(at.cells("sold_at"), at.pick([
            900_000_000, 999_999_999, 1]), strict=True)])  # fmt: skip
        return
    parts = at.pick([".9", ".999999", ".999999999", ".5"])
    at.put("sold_at", [cell[:19] + part + cell[19:] for cell, part in zip(at.cells("sold_at"), parts,
           strict=True)])  # fmt: skip


@fault("other spellings of ISO 8601", "repair", "text")
def spellings(at: Planting) -> None:
    """Write a T between day and time, or spaces around."""
    at.put("sold_at", [form.format(*cell.split()) for cell, form in zip(at.cells("sold_at"), at.pick(
           ["{}T{}", " {} {}", "{} {}  ", "{}T{}.000"]), strict=True)])  # fmt: skip


@fault("offsets of other zones", "repair", "offsets")
def offsets(at: Planting) -> None:
    """Write the same moment by the clock of another zone."""
    zones = at.pick(["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Chatham", "Z"])
    moments = local(at.of(_AT))
    at.put("sold_at", [moment.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ") if zone == "Z"
                       else moment.tz_convert(zone).isoformat(sep=" ")
                       for moment, zone in zip(moments, zones, strict=True)])  # fmt: skip


@fault("offset lost among offsets", "refuse", "offsets")
def offset_lost(at: Planting) -> None:
    """Write the time of the clock alone."""
    at.put("sold_at", clock(at.of(_AT)))


@fault("placeholders and years of no shop", "aside", "text european offsets", _UNREAL)
def years(at: Planting) -> None:
    """Write another year: of a placeholder, of a slip, of the far future."""
    days = at.pick(["0001-01-01", "1900-01-01", "1970-01-01", "1070-05-03", "2204-05-03", "9999-12-31"])
    if at.dialect.name == "european":
        days = [".".join(reversed(day.split("-"))) for day in days]
    at.put("sold_at", [day + cell[10:] for day, cell in zip(days, at.cells("sold_at"), strict=True)])


@fault("placeholders, typed", "aside", "typed", _UNREAL)
def typed_years(at: Planting) -> None:
    """Write moments of 1970, 1900 and 2204 in nanoseconds."""
    at.put("sold_at", at.pick([0, -2_208_988_800 * 10**9, 7_394_000_000 * 10**9, 86_400 * 10**9]))


@fault("forty-five years before the others", "aside", "text epochs whole", _UNREAL)
def far(at: Planting) -> None:
    """Move the order back by 45 years, where a clock was not set."""
    at.put("sold_at", at.dialect.time(np.asarray(at.of(_AT)) - 45 * 365 * DAY_S))


@fault("days that no calendar has", "aside", "text european", _UNREAL)
def no_days(at: Planting) -> None:
    """Write the 30th of February, the 13th month, hour 25, words, or a serial number of a spreadsheet."""
    wrong = "2024-02-30 10:00:00|2024-13-01 10:00:00|2024-05-01 25:61:00|2024-06-30 23:59:60|yesterday"
    others = "45321.4523|24-05-01|05/01/2024 10:00|20240501|2024-05-01 10:00:00 CEST"
    at.put("sold_at", at.pick([*wrong.split("|"), *others.split("|")]))


@fault("times after the export (allowed for 2 %)", "aside", "text epochs whole typed", "future_ordered_at",
       declare=_FUTURE)  # fmt: skip
def future(at: Planting) -> None:
    """Move the order behind the end of the data, where a clock runs ahead."""
    at.put("sold_at", at.dialect.time(np.asarray(at.of(_AT)) + 900 * DAY_S))


@fault("times after the export", "refuse", "text")
def future_refused(at: Planting) -> None:
    """Move the order behind the end of the data."""
    future(at)


def _in_unit(at: Planting, per_second: float) -> None:
    values = [int(second * per_second) for second in at.of(_AT)]
    at.put("sold_at", [str(v) for v in values] if at.dialect.form == "csv" else values)


@fault("seconds among milliseconds", "aside", "epochs whole", _UNREAL)
def seconds(at: Planting) -> None:
    """Write the epoch in seconds."""
    _in_unit(at, 1)


@fault("microseconds among milliseconds", "aside", "epochs whole", _UNREAL)
def micros(at: Planting) -> None:
    """Write the epoch in microseconds."""
    _in_unit(at, 1e6)


@fault("nanoseconds among milliseconds", "aside", "epochs whole", _UNREAL)
def nanos(at: Planting) -> None:
    """Write the epoch in nanoseconds."""
    _in_unit(at, 1e9)


@fault("epochs 0, -1 and of too many digits", "aside", "epochs whole", _UNREAL)
def wild(at: Planting) -> None:
    """Write what stands for no time, or lies beyond the arithmetic."""
    values = at.pick([0, -1, 99_999_999_999_999, 2**63 - 1, -(2**63), 9_999_999_999_999_999])
    at.put("sold_at", [str(v) for v in values] if at.dialect.form == "csv" else values)


@fault("epochs with decimals", "repair", "epochs")
def decimals(at: Planting) -> None:
    """Write the epoch as a program with floats alone does."""
    at.put("sold_at", [f"{cell}{part}" for cell, part in zip(at.cells("sold_at"), at.pick(
           [".0", ".25", ".999"]), strict=True)])  # fmt: skip


@fault("epochs from a spreadsheet (1.71456E+12)", "aside", "epochs", _UNREAL)
def scientific(at: Planting) -> None:
    """Write six digits of the epoch, as a spreadsheet saves it."""
    at.put("sold_at", [f"{int(cell):.5E}" for cell in at.cells("sold_at")])


@fault("days at the ends of date32", "aside", "typed", "sentinel_registered_at unreadable_registered_at",
       table="customers")  # fmt: skip
def date32(at: Planting) -> None:
    """Write the first and last days that the type has."""
    at.put("joined", [value * DAY_S * 10**9 for value in at.pick([2**31 - 1, -(2**31), 2_932_896, -719_162])])


@fault("hour that the clock leaves out", "unknowable", "text")
def gap(at: Planting) -> None:
    """Write a time of the night when clocks are put forward."""
    at.put("sold_at", ["2024-03-31 02:30:00"] * len(at.rows))


@fault("hour that the clock shows twice", "unknowable", "text")
def twice(at: Planting) -> None:
    """Write a time of the night when clocks are put back; one of the two hours is true."""
    at.put("sold_at", ["2023-10-29 02:30:00"] * len(at.rows))
    at.true(_AT, at.pick([1_698_539_400, 1_698_543_000]))


@fault("clock of another zone without a word", "unknowable", "text epochs whole typed")
def shifted(at: Planting) -> None:
    """Shift the time by some hours, as where an export drops the offset."""
    hours = np.asarray(at.pick([1, 2, -5, 8])) * 3600
    at.put("sold_at", at.dialect.time(np.asarray(at.of(_AT)) + hours))


@fault("day and month swapped", "unknowable", "text")
def swapped(at: Planting) -> None:
    """Write 5 March as 3 May; rows whose day is no month move to the 12th first."""
    moments = local(at.of(_AT))
    at.put("sold_at", [m.strftime(f"%Y-{min(m.day, 12):02d}-{m.month:02d} %H:%M:%S") for m in moments])


@fault("time of day lost", "unknowable", "text", told="a day without a clock")
def midnight(at: Planting) -> None:
    """Write the day alone."""
    at.put("sold_at", [cell[:10] for cell in at.cells("sold_at")])
