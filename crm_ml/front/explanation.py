"""Why a customer has a score: the features that move it, the items behind it, or the figures it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.front.scored_day import ScoredDay

if TYPE_CHECKING:
    import pandas as pd

_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True, eq=False)
class Explanation:
    """The score of a customer with its reasons.

    Parameters
    ----------
    customer_id : str
    model : str
        Name of the model with the start of its hash.
    as_of : date
    score : mapping of str to value
        The customer's row of the score table; of several actions the one of the highest score.
    reasons : pandas.DataFrame
        The column ``reason`` in words. Of features also feature, value, contribution (in log-odds before
        calibration) and share (of all contributions, by size); of items item_id and p; of lifetime value
        figure and value.
    """

    customer_id: str
    model: str
    as_of: date
    score: Mapping[str, Any]
    reasons: "pd.DataFrame"

    def __str__(self) -> str:
        lines = [f"customer {self.customer_id} on {self.as_of}, by {self.model}"]
        lines += [f"  {name} {_text(value)}" for name, value in self.score.items()]
        return "\n".join([*lines, *(f"- {reason}" for reason in self.reasons["reason"])])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from crm_ml.pages.render import render

        score = {name: _text(value) for name, value in self.score.items()}
        columns = [name for name in ("share", "p") if name in self.reasons]
        rows = [
            [row["reason"], *("" if row[name] != row[name] else f"{row[name]:.1%}" for name in columns)]
            for row in self.reasons.to_dict("records")
        ]
        return render(_TEMPLATES, "explanation.html", why=self, score=score, head=columns, rows=rows)


def explanation_of(customer_id: str, scored: ScoredDay, model: Path) -> Explanation:
    """Explain the score of a customer.

    Parameters
    ----------
    customer_id : str
    scored : ScoredDay
    model : Path
        Folder of the model.

    Raises
    ------
    InputError
        If the customer has no score on the day.
    """
    from crm_ml.front.score_reasons import reasons_for

    frame = scored.frame
    rows = frame[frame.index.astype(str) == customer_id]
    day = scored.snapshot.as_of.date()
    if not len(rows):
        about = getattr(scored.source, "where", "")
        only = f", those of {about}" if about else ""
        raise InputError(
            f"this customer has no score on {day}: {scored.source.name} scores "
            f"{frame.index.nunique():,} customers on that day{only}; see .predict({str(day)!r}).index"
        )
    row = _highest(rows, scored.source.scores)
    reasons = reasons_for(customer_id, row, scored, model)
    hidden = {"model", *scored.source.beside, *_FIGURES}
    shown = {name: row[name] for name in row.index if name not in hidden}
    return Explanation(customer_id, scored.source.versioned_name, day, shown, reasons)


_FIGURES = ("frequency", "recency", "T", "monetary_value")  # behind a lifetime value, among its reasons


def _highest(rows: "pd.DataFrame", scores: Any) -> "pd.Series[Any]":
    score = next((name for name in scores if name in rows), None)
    place = 0 if score is None or rows[score].isna().all() else int(rows[score].argmax())
    row: pd.Series[Any] = rows.iloc[place]
    return row


def _text(value: Any) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else f"{value}"
