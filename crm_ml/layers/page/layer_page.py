"""The page of the layers of a day: who stands where, who moved, what those were worth who fell."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.layers.move_model import Verdict
from crm_ml.layers.page.flow import flow_of
from crm_ml.layers.settings import LayerSettings
from crm_ml.pages.charts import Bar, BarChart, Estimate, EstimateChart
from crm_ml.pages.number_format import Currency, count, share
from crm_ml.pages.render import render

if TYPE_CHECKING:
    from crm_ml.layers.layer_moves import Moves
    from crm_ml.layers.layer_run import LayerResult

_TEMPLATES = Path(__file__).with_name("templates")
_ROWS = 20
_TARGETS = {"move": "moves", "down": "moves down"}


def page_of(result: "LayerResult", settings: LayerSettings, currency_code: str) -> str:
    """Return the page as text; of customers it names ids only."""
    currency, found, tiers = Currency(currency_code), result.moves, result.tier_moves
    worth = result.frame["layer_value_cents"].groupby(result.frame["layer_name"]).sum().to_dict()
    sizes = result.frame["layer_name"].value_counts().to_dict()
    customers = len(result.frame)
    return render(
        _TEMPLATES,
        "layers.html",
        title=f"Layers of {settings.name}, {result.as_of}",
        before=result.before,
        tiles={
            "customers": count(customers),
            f"in another layer than on {result.before}": count(found.moved),
            "moved down": count(len(found.down)),
            "what they were worth": currency.amount(found.value_down_cents),
            "new since": count(int(found.entered.sum())),
        },
        notes=result.notes,
        sizes=BarChart([_size(name, sizes.get(name, 0), customers) for name in settings.order]),
        worth=BarChart([_worth(name, worth.get(name, 0), currency) for name in settings.order]),
        layer_flow=flow_of(found.by_layer(), found.order),
        tier_flow=None if tiers is None else flow_of(tiers.by_layer(), tiers.order),
        fallen=_fallen(found, currency),
        fallen_rows=_fallen_rows(result, currency),
        rules=[[name, rule] for name, rule in settings.layers.items()] + [[settings.otherwise, "all others"]],
        cuts=_cuts(result, settings),
        transitions=_transitions(result),
        horizon=count(settings.moves.horizon_days, "day"),
        verdicts=[_verdict(verdict) for verdict in result.forecast.verdicts],
        model=settings.moves.model,
    )


def _size(name: str, customers: int, of: int) -> Bar:
    return Bar(name, customers, f"{count(customers)} · {share(customers, of)}")


def _worth(name: str, cents: int, currency: Currency) -> Bar:
    return Bar(name, cents, currency.amount(cents))


def _fallen(found: "Moves", currency: Currency) -> list[list[str]]:
    """Return a row for each pair of layers that customers fell between, of the highest value first."""
    sums: dict[tuple[str, str], list[int]] = {}
    for row in found.down.to_dict(orient="records"):
        pair = sums.setdefault((str(row["before"]), str(row["after"])), [0, 0])
        pair[0], pair[1] = pair[0] + 1, pair[1] + int(row["value_cents"])
    ordered = sorted(sums.items(), key=lambda item: (-item[1][1], item[0]))
    return [[f"{was} to {now}", count(size), currency.amount(cents)] for (was, now), (size, cents) in ordered]


def _fallen_rows(result: "LayerResult", currency: Currency) -> list[list[str]]:
    first = result.moves.down.head(_ROWS)
    return [
        [str(name), str(row["before"]), str(row["after"]), currency.amount(int(row["value_cents"]))]
        for name, row in first.iterrows()
    ]


def _cuts(result: "LayerResult", settings: LayerSettings) -> list[list[str]]:
    rows = []
    for name, cut in settings.cuts.items():
        edges = result.edges[name]
        shown = ", ".join(f"{value:,g}" for value in edges.values)
        rows.append([f"layer_{name}", cut.column, shown, edges.since or "declared", cut.best])
    if settings.tiers and result.tier_edges:
        shown = ", ".join(f"{value:,g}" for value in result.tier_edges.values)
        rows.append(["layer_tier", "layer_value_cents", shown, result.tier_edges.since or "declared", "high"])
    return rows


def _transitions(result: "LayerResult") -> list[list[str]]:
    rows = result.forecast.transitions.to_dict(orient="records")
    return [
        [f"{row['before']} to {row['after']}", count(row["customers"]), count(row["rows"]),
         share(row["share"]), f"{share(row['low'])} to {share(row['high'])}"]
        for row in rows if row["moves"]
    ]  # fmt: skip


def _verdict(verdict: Verdict) -> dict[str, Any]:
    rows = [
        Estimate(name, each.value, each.low, each.high, None, str(each))
        for name, each in (
            ("model", verdict.model["log_loss"]),
            ("table of past moves", verdict.table["log_loss"]),
            ("model minus table", verdict.difference["log_loss"]),
        )
    ]
    return {
        "title": f"Log-loss of the probability that a customer {_TARGETS[verdict.target]}",
        "chart": EstimateChart(rows),
        "text": str(verdict),
        "days": f"Trained on {verdict.train}, judged once on {verdict.test}: {count(verdict.rows, 'row')}, "
        f"of which {share(verdict.moved, verdict.rows)} did.",
    }
