"""Features of an action: its attributes, past responses to its kind, and past purchases of its items."""

from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.features.expressions import count_if, integers, keep_if, past_lines, ratio, total
from crm_ml.propensity.occasion import Occasion
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables, to_pandas

if TYPE_CHECKING:
    import pandas as pd

_RECENT_DAYS = 84
_SUMS = (
    "overlap_lines", "overlap_lines_84d", "overlap_paid_cents_84d", "overlap_items", "overlap_coupon_lines"
)  # fmt: skip
_OFFERS = ("overlap_offers", "overlap_offers_84d", "overlap_offers_coupon")
HISTORY: dict[str, int | None] = {
    "history_sent": 0,
    "history_answered": 0,
    "history_answers": 0,
    "history_days_since_answer": None,
}
OVERLAP: dict[str, int | None] = {
    "overlap_lines": 0,
    "overlap_lines_84d": 0,
    "overlap_items": 0,
    "overlap_offers": 0,
    "overlap_offers_84d": 0,
    "overlap_offers_coupon": 0,
    "overlap_coupon_lines": 0,
    "overlap_paid_cents_84d": 0,
    "overlap_share": None,
    "overlap_days_since": None,
}
ACTION = ("action_kind", "action_days", "action_offers", "action_items")
COLUMNS = (*ACTION, *HISTORY, *OVERLAP)


def action_features(tables: Tables, occasion: Occasion, customers: "pd.Index[str]") -> "pd.DataFrame":
    """Compute the features of an occasion that depend on the action.

    Parameters
    ----------
    tables : Tables
    occasion : Occasion
        Only rows strictly before its ``as_of`` are read; what it covers and how long it lasts is planned.
    customers : pandas.Index of str
        Customers to compute the features for.

    Returns
    -------
    pandas.DataFrame
        Indexed like `customers`. ``action_*``: kind, days, number of offers and of items. ``history_*``:
        actions of the same kind received and answered, number of answers (such as coupons redeemed), and days
        since the last one. ``overlap_*``: past lines of items on offer, in all, within 84 days and with a
        coupon, different items, offers of which something was bought, cents paid, share of all lines, and
        days since the last such line. Where the tables lack what a part takes, its columns are missing.
    """
    import pandas as pd

    covered = occasion.covers.frame(tables)
    days = occasion.snapshot.horizon.days
    features = pd.DataFrame({"action_kind": occasion.kind, "action_days": float(days)}, index=customers)
    features["action_offers"], features["action_items"] = _sizes(covered)
    parts = ((HISTORY, _history(tables, occasion)), (OVERLAP, _overlap(tables, occasion.snapshot, covered)))
    for fills, frame in parts:
        features = features.join(_filled(fills, frame, customers))
    return features[list(COLUMNS)]


def _sizes(covered: "nw.LazyFrame[Any] | None") -> tuple[float, float]:
    if covered is None:
        return float("nan"), float("nan")
    sizes = to_pandas(covered.select(nw.col("offer_id").n_unique(), nw.col("item_id").n_unique()))
    return float(sizes["offer_id"].iloc[0]), float(sizes["item_id"].iloc[0])


def _filled(
    fills: dict[str, int | None], frame: "nw.LazyFrame[Any] | None", customers: "pd.Index[str]"
) -> "pd.DataFrame":
    import pandas as pd

    if frame is None:
        return pd.DataFrame(float("nan"), index=customers, columns=list(fills))
    filled = to_pandas(frame).set_index("customer_id").reindex(customers)[list(fills)].astype("float64")
    return filled.fillna({name: fill for name, fill in fills.items() if fill is not None})


def _history(tables: Tables, occasion: Occasion) -> "nw.LazyFrame[Any] | None":
    """Count touches and answers of campaigns of the same kind; None without touches and responses."""
    if not (tables.has("touches") and tables.has("responses")):
        return None
    same = tables.frame("campaigns").filter(nw.col("kind") == occasion.kind).select("campaign_id")
    snapshot = occasion.snapshot
    ago = snapshot.days_since(nw.col("responded_at_epoch_s")).cast(nw.Int64)
    sent = snapshot.past(tables.frame("touches"), at="sent_at").select(
        "customer_id", "campaign_id", history_sent=nw.lit(1).cast(nw.Int64),
        history_answers=nw.lit(0).cast(nw.Int64), ago=nw.lit(None).cast(nw.Int64),
    )  # fmt: skip
    answered = snapshot.past(tables.frame("responses"), at="responded_at").select(
        "customer_id", "campaign_id", history_sent=nw.lit(0).cast(nw.Int64),
        history_answers=nw.lit(1).cast(nw.Int64), ago=ago,
    )  # fmt: skip
    messages = nw.concat([sent, answered]).join(same, on="campaign_id", how="inner")
    campaigns = messages.group_by("customer_id", "campaign_id").agg(
        *total("history_sent", "history_answers"), nw.col("ago").min()
    )
    sums = campaigns.group_by("customer_id").agg(
        *total("history_sent", "history_answers"),
        nw.col("ago").count().alias("history_answered"),
        nw.col("ago").min().alias("history_days_since_answer"),
    )
    return integers(sums)


def _overlap(
    tables: Tables, snapshot: Snapshot, covered: "nw.LazyFrame[Any] | None"
) -> "nw.LazyFrame[Any] | None":
    """Sum past lines by whether their item is on offer; None without offers."""
    if covered is None:
        return None
    bought = tables.once(("bought", snapshot.epoch_s), lambda: _bought(tables, snapshot))
    items = covered.select("item_id").unique("item_id").with_columns(covered=nw.lit(1))
    flagged = bought.join(items, on="item_id", how="left").with_columns(nw.col("covered").fill_null(0))
    on_offer = nw.col("covered") == 1
    rows = flagged.with_columns(
        overlap_lines=keep_if(on_offer, nw.col("lines")),
        overlap_lines_84d=keep_if(on_offer, nw.col("lines_84d")),
        overlap_paid_cents_84d=keep_if(on_offer, nw.col("paid_84d")),
        overlap_items=count_if(on_offer),
        overlap_coupon_lines=keep_if(on_offer, nw.col("coupon_lines")),
        overlap_days_since=nw.when(on_offer).then(nw.col("ago")),
    )
    sums = rows.group_by("customer_id").agg(
        *total("lines", *_SUMS),
        nw.col("overlap_days_since").min(),
    )
    offers = _offers(bought, covered)
    overlap = integers(sums).join(offers, on="customer_id", how="left")
    return overlap.with_columns(
        nw.col(*_OFFERS).fill_null(0),
        overlap_share=ratio(nw.col("overlap_lines"), nw.col("lines")),
    ).select("customer_id", *OVERLAP)


def _bought(tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame[Any]":
    """Return what each customer bought of each item: lines, in all and recent, cents, days since the last."""
    ago = snapshot.days_since(nw.col("ordered_at_epoch_s")).cast(nw.Int64)
    lines = past_lines(tables, snapshot).select(
        "customer_id", "item_id", "paid_cents", "coupon_cents", ago=ago
    )
    recent = nw.col("ago") < _RECENT_DAYS
    rows = lines.with_columns(
        lines=nw.lit(1).cast(nw.Int64),
        lines_84d=count_if(recent),
        paid_84d=keep_if(recent, nw.col("paid_cents")),
        coupon_lines=count_if(nw.col("coupon_cents") > 0),
    )
    sums = rows.group_by("customer_id", "item_id").agg(
        *total("lines", "lines_84d", "paid_84d", "coupon_lines"), nw.col("ago").min()
    )
    return integers(sums)


def _offers(bought: "nw.LazyFrame[Any]", covered: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Count the offers of which a customer bought something, ever, within 84 days, or with a coupon."""
    pairs = bought.join(covered, on="item_id", how="inner")
    offers = pairs.group_by("customer_id", "offer_id").agg(nw.col("ago").min(), *total("coupon_lines"))
    rows = offers.with_columns(
        overlap_offers=nw.lit(1).cast(nw.Int64),
        overlap_offers_84d=count_if(nw.col("ago") < _RECENT_DAYS),
        overlap_offers_coupon=count_if(nw.col("coupon_lines") > 0),
    )
    return integers(rows.group_by("customer_id").agg(*total(*_OFFERS)))
