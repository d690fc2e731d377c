"""What was known of customers before each of several occasions: responses to their kind, and their items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.features.expressions import count_if, integers, keep_if, nothing, ratio, total
from crm_ml.features.past import ROW, Past, days_ago
from crm_ml.propensity.occasion import Occasion
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


@dataclass(frozen=True, eq=False)
class OccasionColumns:
    """Columns of customers at several occasions.

    Parameters
    ----------
    fills : mapping of str to int or None
        Columns, and the value of customers without a row.
    first : mapping of Occasion to int
        Occasions that have the columns, with the ``row`` of their first customer.
    ids : pandas.Index of str
        Customers in the order of their numbers.
    frame : pandas.DataFrame
        Indexed by ``row``; without a column where no occasion has them.
    """

    fills: Mapping[str, int | None]
    first: Mapping[Occasion, int]
    ids: "pd.Index[str]"
    frame: "pd.DataFrame"

    def of(self, occasion: Occasion, customers: "pd.Index[str]") -> "pd.DataFrame":
        """Return the columns of some customers; missing where the tables lack what they take."""
        import pandas as pd

        if occasion not in self.first:
            return pd.DataFrame(float("nan"), index=customers, columns=list(self.fills))
        rows = self.first[occasion] + self.ids.get_indexer(customers)  # an unknown id has the row before
        filled = self.frame.reindex(rows)[list(self.fills)].astype("float64").set_axis(customers)
        return filled.fillna({name: fill for name, fill in self.fills.items() if fill is not None})


class OccasionPast:
    """The past of several occasions, computed in one pass, see `crm_ml.features.past.Past`.

    Parameters
    ----------
    tables : Tables
        Within a block of `Tables.scratch`.
    occasions : sequence of Occasion
        Different ones, in any order.
    """

    def __init__(self, tables: Tables, occasions: Sequence[Occasion]) -> None:
        self.tables = tables
        self.occasions = sorted(occasions, key=lambda occasion: occasion.as_of)
        self.past = Past(tables, [occasion.snapshot for occasion in self.occasions])
        self._covered = {occasion: occasion.covers.frame(tables) for occasion in self.occasions}

    def sizes(self) -> dict[Occasion, tuple[float, float]]:
        """Return the number of offers and of items of each occasion; missing without offers."""
        sizes = dict.fromkeys(self.occasions, (float("nan"), float("nan")))
        covered = self._all_covered()
        if covered is None:
            return sizes
        counts = covered.group_by("first").agg(nw.col("offer_id").n_unique(), nw.col("item_id").n_unique())
        numbers = to_pandas(counts).set_index("first").astype("float64")
        for occasion, first in self._first_rows(covering=True).items():
            offers, items = numbers.reindex([first]).fillna(0.0).to_numpy()[0]
            sizes[occasion] = (float(offers), float(items))
        return sizes

    def history(self) -> OccasionColumns:
        """Count touches and answers of campaigns of the same kind; missing without touches and responses."""
        if not (self.tables.has("touches") and self.tables.has("responses")):
            return self._columns(HISTORY, {}, None)
        zero, one = (nw.lit(value).cast(nw.Int64) for value in (0, 1))
        sent = self.past.known(self.tables.frame("touches"), "sent_at").select(
            "customer", "known_from", "campaign_id", history_sent=one, history_answers=zero,
            responded_at_epoch_s=nothing(nw.col("known_from")),
        )  # fmt: skip
        answered = self.past.known(self.tables.frame("responses"), "responded_at").select(
            "customer", "known_from", "campaign_id", history_sent=zero, history_answers=one,
            responded_at_epoch_s=nw.col("responded_at_epoch_s").cast(nw.Int64),
        )  # fmt: skip
        kinds = self.past.of_snapshots("kinds", [{"kind": occasion.kind} for occasion in self.occasions])
        kinds = kinds.join(self.tables.frame("campaigns").select("campaign_id", "kind"), on="kind")
        wanted = self.past.pairs.join(kinds, on="first", how="inner")
        messages = nw.concat([sent, answered]).join(wanted, on=["known_from", "campaign_id"], how="inner")
        messages = messages.with_columns(
            ago=days_ago("responded_at"), row=nw.col("customer") + nw.col("first")
        )
        campaigns = messages.group_by(ROW, "campaign_id").agg(
            *total("history_sent", "history_answers"), nw.col("ago").min()
        )
        sums = campaigns.group_by(ROW).agg(
            *total("history_sent", "history_answers"),
            nw.col("ago").count().alias("history_answered"),
            nw.col("ago").min().alias("history_days_since_answer"),
        )
        return self._columns(HISTORY, self._first_rows(), integers(sums))

    def overlap(self) -> OccasionColumns:
        """Sum past lines by whether their item is on offer; missing without offers."""
        covered = self._all_covered()
        if covered is None:
            return self._columns(OVERLAP, {}, None)
        orders = self.past.known_orders.filter(nw.col("purchase") == 1)
        lines = integers(orders.group_by("customer", "known_from").agg(*total("lines")))
        lines = integers(self.past.each(lines).group_by(ROW).agg(*total("lines")))
        bought = self.past.once("bought", lambda: self._bought(covered))
        sums = bought.group_by(ROW).agg(
            nw.col("lines").sum().alias("overlap_lines"),
            nw.col("lines_84d").sum().alias("overlap_lines_84d"),
            nw.col("paid_84d").sum().alias("overlap_paid_cents_84d"),
            nw.len().alias("overlap_items"),
            nw.col("coupon_lines").sum().alias("overlap_coupon_lines"),
            nw.col("ago").min().alias("overlap_days_since"),
        )
        overlap = lines.join(integers(sums), on=ROW, how="left").join(
            _offers(bought, covered), on=ROW, how="left"
        )
        overlap = overlap.with_columns(nw.col(*_SUMS, *_OFFERS).fill_null(0))
        overlap = overlap.with_columns(overlap_share=ratio(nw.col("overlap_lines"), nw.col("lines")))
        return self._columns(OVERLAP, self._first_rows(covering=True), overlap.select(ROW, *OVERLAP))

    def _bought(self, covered: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
        """Return what each customer bought of each item on offer: lines, in all and recent, and cents."""
        items = covered.select("first", "item_id").unique(["first", "item_id"])
        lines = self.past.known_lines().select(
            "customer", "known_from", "item_id", "ordered_at_epoch_s", "paid_cents", "coupon_cents"
        )
        offered = lines.join(items, on="item_id", how="inner")
        rows = offered.join(self.past.pairs, on=["known_from", "first"], how="inner")
        rows = rows.with_columns(ago=days_ago("ordered_at"), row=nw.col("customer") + nw.col("first"))
        recent = nw.col("ago") < _RECENT_DAYS
        rows = rows.with_columns(
            lines=nw.lit(1).cast(nw.Int64),
            lines_84d=count_if(recent),
            paid_84d=keep_if(recent, nw.col("paid_cents")),
            coupon_lines=count_if(nw.col("coupon_cents") > 0),
        )
        sums = rows.group_by(ROW, "first", "item_id").agg(
            *total("lines", "lines_84d", "paid_84d", "coupon_lines"), nw.col("ago").min()
        )
        return integers(sums)

    def _all_covered(self) -> "nw.LazyFrame[Any] | None":
        """Return the items on offer of all occasions, keyed by their ``first`` row; None without any."""
        firsts = self._first_rows(covering=True)
        if not firsts:
            return None

        def build() -> "nw.LazyFrame[Any]":
            frames = [
                frame.with_columns(first=nw.lit(firsts[occasion]).cast(nw.Int64))
                for occasion, frame in self._covered.items()
                if frame is not None
            ]
            covered: nw.LazyFrame[Any] = nw.concat(frames)
            return covered

        return self.past.once("covered", build)

    def _first_rows(self, covering: bool = False) -> dict[Occasion, int]:
        return {
            occasion: first
            for occasion, first in zip(self.occasions, self.past.first_rows, strict=True)
            if not covering or self._covered[occasion] is not None
        }

    def _columns(
        self,
        fills: Mapping[str, int | None],
        first: Mapping[Occasion, int],
        frame: "nw.LazyFrame[Any] | None",
    ) -> OccasionColumns:
        import pandas as pd

        if frame is None:
            return OccasionColumns(fills, first, pd.Index([], dtype="str"), pd.DataFrame())
        ids = to_pandas(self.past.customers.select("customer", "customer_id")).sort_values("customer")
        rows = to_pandas(frame).set_index(ROW)
        return OccasionColumns(fills, first, pd.Index(ids["customer_id"]), rows)


def _offers(bought: "nw.LazyFrame[Any]", covered: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Count the offers of which a customer bought something, ever, within 84 days, or with a coupon."""
    pairs = bought.join(covered, on=["first", "item_id"], how="inner")
    offers = pairs.group_by(ROW, "offer_id").agg(nw.col("ago").min(), *total("coupon_lines"))
    rows = offers.with_columns(
        overlap_offers=nw.lit(1).cast(nw.Int64),
        overlap_offers_84d=count_if(nw.col("ago") < _RECENT_DAYS),
        overlap_offers_coupon=count_if(nw.col("coupon_lines") > 0),
    )
    return integers(rows.group_by(ROW).agg(*total(*_OFFERS)))
