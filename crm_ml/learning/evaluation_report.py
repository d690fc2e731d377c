"""The figures of an evaluation as tables in the terminal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

ACTIONS = (
    "action", "rows", "controls", "promised", "realised [95 %]", "without CUPED [95 %]", "variance less",
    "cost", "net [95 %]", "net a contact",
)  # fmt: skip
NEXT_BEST = ("action", "rows", "held out of it", "worth beside the next best, a contact [95 %]")
ANSWERS = ("p_response", "rows", "promised", "realised [95 %]")
VALUES = ("decile", "rows", "controls", "promised", "realised [95 %]")
_NAMES = {
    "logged": "the list itself", "ips": "IPS", "snips": "SNIPS", "dr": "doubly robust",
    "gain": "doubly robust - the list itself",
}  # fmt: skip


def show(console: "Console", evaluation: Mapping[str, Any], saved: str) -> None:
    """Print an evaluation of `crm_ml.learning.list_evaluation.evaluate`, and last where it is saved."""
    actions: Mapping[str, Any] = evaluation["actions"]
    days, margin = evaluation["days"], evaluation["margin"]
    title = f"list {evaluation['list_id']}, {days} days, margin {margin:g} of what is paid, cents"
    lines = [_action(key, action) for key, action in actions.items()]
    _table(console, title, ACTIONS, [*lines, _action("in all", evaluation["total"])])
    rows = [
        (key, f"{part['rows']:,}", f"{part['kept_from_it']:,}", _ends(part, "net_cents_a_contact", ",.2f"))
        for key, part in _parts(actions, "beside_next_best").items()
    ]
    if rows:
        _table(console, "beside what customers got who were held out of the action", NEXT_BEST, rows)
    _calibrations(console, evaluation)
    if "off_policy" in evaluation:
        _off_policy(console, evaluation["off_policy"])
    for note in _notes(evaluation):
        console.print(note, soft_wrap=True, markup=False)
    console.print(saved, soft_wrap=True, markup=False)


def _parts(actions: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a part of the figures of each action that has it."""
    return {key: action[name] for key, action in actions.items() if name in action}


def _calibrations(console: "Console", evaluation: Mapping[str, Any]) -> None:
    answers = _parts(evaluation["actions"], "answers")
    if answers:
        calibration = evaluation["calibration"]
        bins = {f"decile {place}": part for place, part in enumerate(calibration["bins"], 1)}
        rows = [
            (key, f"{part['rows']:,}", f"{part['promised']:.4f}", _ends(part, "realised", ".4f"))
            for key, part in (answers | bins).items()
        ]
        _table(console, f"answers, ECE {calibration['ece']:.4f}", ANSWERS, rows)
    deciles = [
        (str(place), f"{part['rows']:,}", f"{part['controls']:,}", f"{part['promised']:,.1f}",
         _ends(part, "realised", ",.1f"))
        for place, part in enumerate(evaluation["value_bins"], 1)
    ]  # fmt: skip
    if deciles:
        _table(console, "margin a customer by what was promised, cents", VALUES, deciles)


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


def _notes(evaluation: Mapping[str, Any]) -> Iterable[str]:
    for key, action in evaluation["actions"].items():
        if action["note"]:
            yield f"{key}: {action['note']}"
        note = action.get("beside_next_best", {}).get("note")
        if note:
            yield f"{key} beside the next best: {note}"
    total = evaluation["total"]
    if total["note"]:
        yield f"in all: {total['note']}"
    if total["left_out"]:
        yield f"in all leaves out {', '.join(total['left_out'])}, which can't be compared"
    yield from evaluation["notes"]


def _action(key: str, figures: Mapping[str, Any]) -> Sequence[str]:
    less, net = figures["variance_reduction"], figures["net_cents_a_contact"]
    return (
        key, f"{figures['rows']:,}", f"{figures['controls']:,}", f"{figures['promised_cents']:,}",
        _ends(figures, "realised_cents", ","), _ends(figures["unadjusted"] or {}, "realised_cents", ","),
        "-" if less is None else f"{less:.1%}", f"{figures['cost_cents']:,}",
        _ends(figures, "net_cents", ",", ("net_low", "net_high")), "-" if net is None else f"{net:,.2f}",
    )  # fmt: skip


def _ends(figures: Mapping[str, Any], name: str, form: str, ends: tuple[str, str] = ("low", "high")) -> str:
    if figures.get(name) is None:
        return "-"
    low, high = (f"{figures[end]:{form}}" for end in ends)
    return f"{figures[name]:{form}} [{low}, {high}]"


def _table(console: "Console", title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title))
    for name in header:
        table.add_column(escape(name), justify="left" if name == header[0] else "right")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)
