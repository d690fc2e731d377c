"""The reasons of one customer's score in words, by what the model and its score table have."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.front.scored_day import ScoredDay
from crm_ml.pages import Currency
from crm_ml.tables.currencies import currency_of

if TYPE_CHECKING:
    import pandas as pd

TOP = 8
_VALUE = {  # column of the score table of lifetime value to its words
    "frequency": "{:,.0f} days with a further purchase after the first",
    "recency": "{:,.0f} {unit} from the first purchase to the last",
    "T": "{:,.0f} {unit} since the first purchase",
    "monetary_value": "{:,.2f}{money} paid on such a day on average",
    "p_alive": "{:.1%} likely to buy again at all",
    "expected_purchases": "{:,.2f} purchases are expected within the horizon",
    "expected_value": "{:,.2f}{money} are expected of a purchase",
}
_UNITS = {"D": "days", "W": "weeks"}


def reasons_for(customer_id: str, row: "pd.Series[Any]", scored: ScoredDay, folder: Path) -> "pd.DataFrame":
    """Return the reasons of a row of a score table.

    Those are its items, the figures that a lifetime value rests on, the features that move a probability
    most, the effects of arms, or none where the model gives none.

    Parameters
    ----------
    customer_id : str
    row : pandas.Series
        Of the score table.
    scored : ScoredDay
    folder : Path
        Of the model.
    """
    import pandas as pd

    from crm_ml.models import model_folder

    model = model_folder.load(folder)
    inner = getattr(model, "model", model)
    if "item_ids" in row:
        return _of_items(row)
    if "frequency" in row:
        return _of_value(row, scored, getattr(model, "time_unit", "D"))
    if hasattr(inner, "contributions"):
        return _of_features(customer_id, row, scored, inner)
    effects = [f"{name}={row[name]:+.4g}" for name in row.index if str(name).startswith("uplift_")]
    codes = effects or _own_codes(customer_id, scored)
    return pd.DataFrame({"reason": [_words(code, scored) for code in codes]})


def _own_codes(customer_id: str, scored: ScoredDay) -> list[str]:
    """Return the reason codes that the source of a family of one's own gives."""
    give = scored.source.reasons
    return [] if give is None else list(next(iter(give(_features(customer_id, scored))), ()))


def _features(customer_id: str, scored: ScoredDay) -> "pd.DataFrame":
    import pandas as pd

    known = pd.read_parquet(scored.features, filters=[("customer_id", "==", customer_id)])
    return known.set_index("customer_id")


def _of_items(row: "pd.Series[Any]") -> "pd.DataFrame":
    import pandas as pd

    from crm_ml.lists.page.reason_text import item_in_words

    names = {"item_id": "item_ids", "p": "item_p"}
    frame = pd.DataFrame({name: list(row[column]) for name, column in names.items()})
    words = [f"{item}: {item_in_words(str(reason))}"
             for item, reason in zip(row["item_ids"], row["item_reasons"], strict=True)]  # fmt: skip
    return frame.assign(reason=words)


def _of_value(row: "pd.Series[Any]", scored: ScoredDay, time_unit: str) -> "pd.DataFrame":
    import pandas as pd

    currency = _currency(scored)
    words = {"unit": _UNITS.get(time_unit, "units"), "money": f" {currency.code}".rstrip()}
    figures = [name for name in _VALUE if name in row and row[name] == row[name]]
    reasons = [_VALUE[name].format(float(row[name]), **words) for name in figures]
    worth, *ends = (currency.amount(row[f"clv{end}_cents"]) for end in ("", "_low", "_high"))
    return pd.DataFrame(
        {
            "figure": [*figures, "clv_cents"],
            "value": [float(row[name]) for name in (*figures, "clv_cents")],
            "reason": [
                *reasons,
                f"so {worth} are to come; the expectation lies in {' to '.join(ends)} (95 %)",
            ],
        }
    )


def _of_features(customer_id: str, row: "pd.Series[Any]", scored: ScoredDay, model: Any) -> "pd.DataFrame":
    import pandas as pd

    from crm_ml.models.feature_reasons import top_reasons
    from crm_ml.score_tables.reason_codes import reason_texts

    own = {name: [row[name]] for name in scored.source.beside if name in row}
    X = _features(customer_id, scored).assign(**own)
    contributions = model.contributions(X)
    total = float(contributions.drop(columns="base").abs().sum(axis=1).iloc[0])
    top = top_reasons(contributions, TOP)
    codes = reason_texts(X, top)[0]
    return pd.DataFrame(
        {
            "feature": top["feature"].to_numpy(),
            "value": [X[name].iloc[0] for name in top["feature"]],
            "contribution": top["contribution"].to_numpy(),
            "share": top["contribution"].abs().to_numpy() / total,
            "reason": [_words(code, scored) for code in codes],
        }
    )


def _words(code: str, scored: ScoredDay) -> str:
    from crm_ml.lists.page.reason_text import reason_in_words

    about = next(iter(scored.source.scores), "")
    return reason_in_words(code, about, _currency(scored), scored.tables.zone)


def _currency(scored: ScoredDay) -> Currency:
    return Currency(currency_of(scored.tables.frame("order_lines")))
