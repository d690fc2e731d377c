"""Why each row is in a list: the model's reasons, or what the value of the row rests on."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crm_ml.actions.catalog import Action
from crm_ml.decision.open_actions import DECISION
from crm_ml.score_tables.columns import OF_ITEMS
from crm_ml.score_tables.score_rows import Reasons

if TYPE_CHECKING:
    import pyarrow as pa


def reason_codes(
    table: "pa.Table", actions: Sequence[Action], reasons: Mapping[str, Reasons]
) -> list[list[str]]:
    """Return the reason codes of each row.

    Parameters
    ----------
    table : pyarrow.Table
        Decided rows with their features, see `crm_ml.lists.list_file.write_rows`.
    actions : sequence of Action
        In the order of their numbers.
    reasons : mapping of str to callable
    """
    numbers, uplifts = table["action"].to_pylist(), table["uplift"].to_pylist()
    chances = _column(table, "item_p")
    values = {score: _column(table, score) for score in {action.value.score for action in actions}}
    codes = [
        [_basis(actions[number], uplift, p, values[actions[number].value.score][row])]
        for row, (number, uplift, p) in enumerate(zip(numbers, uplifts, chances, strict=True))
    ]
    scores = [actions[n].value.score if u is None else None for n, u in zip(numbers, uplifts, strict=True)]
    decided = {*DECISION, *OF_ITEMS, "send_at_epoch_s"} - {"customer_id"}
    columns = [name for name in table.column_names if name not in decided]
    for score, explain in reasons.items():
        rows = [row for row, explained in enumerate(scores) if explained == score]
        if rows:
            features = table.take(rows).select(columns).to_pandas().set_index("customer_id")
            for row, texts in zip(rows, explain(features), strict=True):
                codes[row] = [str(text) for text in texts] or codes[row]
    return codes


def _column(table: "pa.Table", name: str | None) -> list[Any]:
    return table[name].to_pylist() if name in table.column_names else [None] * len(table)


def _basis(
    action: Action, uplift: float | None, chances: Sequence[float | None] | None, score: float | None
) -> str:
    """Return what the value of a row rests on, where no model explains it: uplift, items, rule or score."""
    if uplift is not None and action.value.uplift is not None:
        return f"uplift_{action.value.uplift.arm}={uplift:+.4g}"
    if action.value.score == "p_items":
        return f"p_items={sum(p for p in chances or () if p is not None):.3g}"
    if action.audience.eligible:
        return f"rule: {action.audience.eligible}"
    return "no rule: for everyone" if score is None else f"{action.value.score}={score:.3g}"
