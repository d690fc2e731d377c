"""The figures of an evaluation as tables in the terminal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

ACTIONS = (
    "action", "rows", "controls", "promised", "realised [95 %]", "without CUPED [95 %]", "variance less",
    "cost", "net [95 %]", "net a contact",
)  # fmt: skip
NEXT_BEST = ("action", "rows", "kept from it", "worth beside the next best, a contact [95 %]")
ANSWERS = ("p_response", "rows", "promised", "realised [95 %]")
VALUES = ("tenth", "rows", "controls", "promised", "realised [95 %]")
_NAMES = {
    "logged": "the list itself", "ips": "IPS", "snips": "SNIPS", "dr": "doubly robust",
    "gain": "doubly robust - the list itself",
}  # fmt: skip


def show(console: "Console", found: Mapping[str, Any], kept: str) -> None:
    """Print an evaluation of `crm_ml.learning.list_evaluation.evaluate` and where it is kept."""
    actions: Mapping[str, Any] = found["actions"]
    days, margin = found["days"], found["margin"]
    title = f"list {found['list_id']}, {days} days, margin {margin:g} of what is paid, cents"
    lines = [_action(key, one) for key, one in actions.items()]
    _table(console, title, ACTIONS, [*lines, _action("in all", found["total"])])
    beside = {key: one["beside_next_best"] for key, one in actions.items() if "beside_next_best" in one}
    if beside:
        rows = [
            (key, f"{one['rows']:,}", f"{one['kept_from_it']:,}", _ends(one, "net_cents_a_contact", ",.2f"))
            for key, one in beside.items()
        ]
        _table(console, "beside what customers got who were kept from the action", NEXT_BEST, rows)
    _calibrations(console, found)
    if "off_policy" in found:
        _off_policy(console, found["off_policy"])
    for note in _notes(found):
        console.print(note, soft_wrap=True, markup=False)
    console.print(kept, soft_wrap=True, markup=False)


def _calibrations(console: "Console", found: Mapping[str, Any]) -> None:
    answers = {key: one["answers"] for key, one in found["actions"].items() if "answers" in one}
    if answers:
        calibration = found["calibration"]
        bins = {f"tenth {place}": one for place, one in enumerate(calibration["bins"], 1)}
        rows = [
            (key, f"{one['rows']:,}", f"{one['promised']:.4f}", _ends(one, "realised", ".4f"))
            for key, one in (answers | bins).items()
        ]
        _table(console, f"answers, ECE {calibration['ece']:.4f}", ANSWERS, rows)
    tenths = [
        (str(place), f"{one['rows']:,}", f"{one['controls']:,}", f"{one['promised']:,.1f}",
         _ends(one, "realised", ",.1f"))
        for place, one in enumerate(found["value_bins"], 1)
    ]  # fmt: skip
    if tenths:
        _table(console, "margin a customer by what was promised, cents", VALUES, tenths)


def _off_policy(console: "Console", value: Mapping[str, Any]) -> None:
    rows = [(_NAMES[name], _ends(value[name], "value", ",.2f")) for name in _NAMES if name in value]
    if rows:
        title = f"the policy of list {value['against']}, cents a customer"
        _table(console, title, ("estimate", "value [95 %]"), rows)
        console.print(
            f"{value['customers']:,} customers, {value['matched']:,} got what it gives; effective sample "
            f"size {value['effective_rows']:,.1f}, largest weight {value['largest_weight']:,.1f}, mean "
            f"weight {value['mean_weight']:.3f} (1 where everything it gives was tried); no overlap in "
            f"{value['no_overlap']:,} ({value['no_overlap_share']:.1%})",
            soft_wrap=True,
        )
    for warning in value["warnings"]:
        console.print(f"warning: {warning}", soft_wrap=True, markup=False)


def _notes(found: Mapping[str, Any]) -> Iterable[str]:
    for key, one in found["actions"].items():
        if one["note"]:
            yield f"{key}: {one['note']}"
        note = one.get("beside_next_best", {}).get("note")
        if note:
            yield f"{key} beside the next best: {note}"
    if found["total"]["note"]:
        yield f"in all: {found['total']['note']}"
    if found["total"]["left_out"]:
        yield f"in all leaves out {', '.join(found['total']['left_out'])}, which can't be compared"
    yield from found["notes"]


def _action(key: str, one: Mapping[str, Any]) -> Sequence[str]:
    less, net = one["variance_reduction"], one["net_cents_a_contact"]
    return (
        key, f"{one['rows']:,}", f"{one['controls']:,}", f"{one['promised_cents']:,}",
        _ends(one, "realised_cents", ","), _ends(one["unadjusted"] or {}, "realised_cents", ","),
        "-" if less is None else f"{less:.1%}", f"{one['cost_cents']:,}",
        _ends(one, "net_cents", ",", ("net_low", "net_high")), "-" if net is None else f"{net:,.2f}",
    )  # fmt: skip


def _ends(one: Mapping[str, Any], name: str, form: str, ends: tuple[str, str] = ("low", "high")) -> str:
    if one.get(name) is None:
        return "-"
    low, high = (f"{one[end]:{form}}" for end in ends)
    return f"{one[name]:{form}} [{low}, {high}]"


def _table(console: "Console", title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title))
    for name in header:
        table.add_column(escape(name), justify="left" if name == header[0] else "right")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)
