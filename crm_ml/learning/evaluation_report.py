"""The figures of an evaluation as tables in the terminal; money in the major unit of the list's currency."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from crm_ml.pages.number_format import Currency

if TYPE_CHECKING:
    from rich.console import Console

Form = Callable[[float], str]
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
    currency = Currency(evaluation["currency"])
    days, margin = evaluation["days"], evaluation["margin"]
    title = f"list {evaluation['list_id']}, {days} days, margin {margin:g} of what is paid, {currency.code}"
    lines = [_action(key, action, currency) for key, action in actions.items()]
    _table(console, title, ACTIONS, [*lines, _action("in all", evaluation["total"], currency)])
    mean = _mean(currency)
    rows = [
        (key, f"{part['rows']:,}", f"{part['kept_from_it']:,}", _ends(part, "net_cents_a_contact", mean))
        for key, part in _parts(actions, "beside_next_best").items()
    ]
    if rows:
        _table(console, "beside what customers got who were held out of the action", NEXT_BEST, rows)
    _calibrations(console, evaluation, currency)
    if "off_policy" in evaluation:
        _off_policy(console, evaluation["off_policy"], currency)
    for note in (*_smallest({**actions, "in all": evaluation["total"]}, currency), *_notes(evaluation)):
        console.print(note, soft_wrap=True, markup=False)
    console.print(saved, soft_wrap=True, markup=False)


def _parts(actions: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a part of the figures of each action that has it."""
    return {key: action[name] for key, action in actions.items() if name in action}


def _mean(currency: Currency) -> Form:
    """Return how a mean of money is written: with two digits more than an amount."""
    return partial(currency.number, further=2)


def _calibrations(console: "Console", evaluation: Mapping[str, Any], currency: Currency) -> None:
    answers = _parts(evaluation["actions"], "answers")
    if answers:
        calibration = evaluation["calibration"]
        bins = {f"decile {place}": part for place, part in enumerate(calibration["bins"], 1)}
        rows = [
            (key, f"{part['rows']:,}", f"{part['promised']:.4f}", _ends(part, "realised", "{:.4f}".format))
            for key, part in (answers | bins).items()
        ]
        _table(console, f"answers, ECE {calibration['ece']:.4f}", ANSWERS, rows)
    mean = _mean(currency)
    deciles = [
        (str(place), f"{part['rows']:,}", f"{part['controls']:,}", mean(part["promised"]),
         _ends(part, "realised", mean))
        for place, part in enumerate(evaluation["value_bins"], 1)
    ]  # fmt: skip
    if deciles:
        _table(console, f"margin a customer by what was promised, {currency.code}", VALUES, deciles)


def _off_policy(console: "Console", value: Mapping[str, Any], currency: Currency) -> None:
    mean = _mean(currency)
    rows = [(_NAMES[name], _ends(value[name], "value", mean)) for name in _NAMES if name in value]
    if rows:
        title = f"the policy of list {value['against']}, {currency.code} a customer"
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


def _smallest(actions: Mapping[str, Any], currency: Currency) -> Iterable[str]:
    """Return the smallest increment of each action that would have been found: no signal is not no effect."""
    for key, figures in actions.items():
        if figures["smallest_cents"] is not None:
            least = currency.number(figures["smallest_cents"])
            yield f"{key}: an increment from {least} on would have been found in 80 % of repetitions"


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


def _action(key: str, figures: Mapping[str, Any], currency: Currency) -> Sequence[str]:
    less, net, money = figures["variance_reduction"], figures["net_cents_a_contact"], currency.number
    return (
        key, f"{figures['rows']:,}", f"{figures['controls']:,}", money(figures["promised_cents"]),
        _ends(figures, "realised_cents", money), _ends(figures["unadjusted"] or {}, "realised_cents", money),
        "-" if less is None else f"{less:.1%}", money(figures["cost_cents"]),
        _ends(figures, "net_cents", money, ("net_low", "net_high")), "-" if net is None else money(net, 2),
    )  # fmt: skip


def _ends(figures: Mapping[str, Any], name: str, form: Form, ends: tuple[str, str] = ("low", "high")) -> str:
    if figures.get(name) is None:
        return "-"
    low, high = (form(figures[end]) for end in ends)
    return f"{form(figures[name])} [{low}, {high}]"


def _table(console: "Console", title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title))
    for name in header:
        table.add_column(escape(name), justify="left" if name == header[0] else "right")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)
