"""Plots of a fitted model: the figures of its run, and those of `crm_ml.plots` that its family has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml import clv, plots
from crm_ml.clv.totals import Total, total_of
from crm_ml.config import Run
from crm_ml.errors import InputError
from crm_ml.evaluation.base_predictions import BasePredictions
from crm_ml.models import model_folder
from crm_ml.tables import Tables
from crm_ml.tables.currencies import currency_of
from crm_ml.train.compare.scored_rows import MODEL, ListRows

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from crm_ml.clv.clv_model import ClvModel
    from crm_ml.clv.cohort_retention import Period

Draw = Callable[..., "Figure"]
_ROWS, _TABLES = "test rows", "tables"  # what a plot needs


@dataclass(frozen=True, eq=False)
class Plotted:
    """What the plots of a fitted model are drawn of.

    Parameters
    ----------
    config : Run
    folder : Path
        Of the model.
    tables : Tables or None
    rows : mapping of str to BasePredictions or ListRows
        Test rows by part, such as an arm; a loaded model has none.
    figures : mapping of str to matplotlib Figure
        Of the run.
    predict : callable
        Returns the score table of the day of the fit.
    """

    config: Run
    folder: Path
    tables: Tables | None
    rows: Mapping[str, BasePredictions | ListRows]
    figures: "Mapping[str, Figure]"
    predict: Callable[[], "pd.DataFrame"]

    @property
    def plots(self) -> dict[str, Draw]:
        """Functions that draw, by name; what needs test rows or tables that there are not is left out."""
        there = {_ROWS: bool(self.rows), _TABLES: self.tables is not None}
        known = PLOTS.get(self.config.family, {})
        drawn = {name: draw for name, (draw, needs) in known.items() if there[needs]}
        return {name: self._one(name, drawn.get(name)) for name in (*self.figures, *drawn)}

    def part(self, name: str | None) -> BasePredictions:
        """Return the test rows of a part; the first without its name.

        Raises
        ------
        InputError
            If there is no such part.
        """
        known = {part: rows for part, rows in self.rows.items() if isinstance(rows, BasePredictions)}
        if name is not None and name not in known:
            raise InputError(f"part is {name!r}; there are {', '.join(known)}")
        return known[next(iter(known)) if name is None else name]

    @property
    def known(self) -> Tables:
        """The tables, of a plot that needs them."""
        assert self.tables is not None
        return self.tables

    @property
    def valued(self) -> "tuple[ClvModel, pd.DataFrame]":
        """The lifetime-value model, and the summary of the day of the fit."""
        model: ClvModel = model_folder.load(self.folder)
        day = self.config.register_as.as_of
        return model, clv.summarize(self.known, day, model.time_unit, with_first_value=True, data_ends_at=day)

    def _one(self, name: str, draw: Draw | None) -> Draw:
        def plot(*args: Any, **options: Any) -> "Figure":
            if name in self.figures and not (args or options):
                return self.figures[name]
            if draw is None:
                raise InputError(f"plot_{name} is a figure of the run, which takes no options")
            return draw(self, *args, **options)

        return plot if draw is None else update_wrapper(plot, draw, updated=())


def _of_rows(draw: Draw) -> tuple[Draw, str]:
    """Return a plot of the test rows; ``part`` names one of several."""

    def drawn(of: Plotted, part: str | None = None, **options: Any) -> "Figure":
        return draw(of.part(part), **{"model": MODEL} | options)

    return update_wrapper(drawn, draw), _ROWS


def _of_purchases(draw: Draw) -> tuple[Draw, str]:
    """Return a plot of the model of purchases and the summary."""

    def drawn(of: Plotted, *args: Any, **options: Any) -> "Figure":
        model, summary = of.valued
        return draw(model.valuer.purchases, summary, *args, **options)

    return update_wrapper(drawn, draw), _TABLES


def _of_cohorts(draw: Draw) -> tuple[Draw, str]:
    """Return a plot of retention until the day of the fit; ``period`` is ``"M"`` or ``"W"``."""

    def drawn(of: Plotted, period: "Period" = "M", **options: Any) -> "Figure":
        return draw(clv.retention(of.known, of.config.register_as.as_of, period), **options)

    return update_wrapper(drawn, draw), _TABLES


def _of_lists(draw: Draw) -> tuple[Draw, str]:
    """Return a plot of the lists of the day of the fit, by action."""

    def drawn(of: Plotted, **options: Any) -> "Figure":
        lists = {str(action): _listed(rows) for action, rows in of.predict().groupby("action")}
        listed = {item for rows in lists.values() for item in rows["item_id"]}
        return draw(lists, sorted({*model_folder.load(of.folder).items_, *listed}), **options)

    return update_wrapper(drawn, draw), _TABLES


def _listed(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return a row for each place of the lists, as `Recommender.recommend` does."""
    places = rows["item_ids"].explode().dropna().rename("item_id").reset_index()
    return places.assign(rank=places.groupby("customer_id").cumcount() + 1)


def _p_alive_path(of: Plotted, customer_id: object = None, **options: Any) -> "Figure":
    """Draw P(alive) of a customer until the day of the fit; by default of the one with most purchases."""
    model, summary = of.valued
    customer = str(summary["frequency"].idxmax() if customer_id is None else customer_id)
    day = of.config.register_as.as_of
    return plots.p_alive_path(model.valuer.purchases, of.known, customer, day, **options)


def _purchases_matrix(of: Plotted, **options: Any) -> "Figure":
    """Draw the expected purchases within the model's horizon, a year where that has no end."""
    model, summary = of.valued
    horizon = model.terms.horizon or clv.months(12)
    return plots.purchases_matrix(model.valuer.purchases, summary, **{"horizon": horizon} | options)


def _clv_distribution(of: Plotted, **options: Any) -> "Figure":
    """Draw the values on the day of the fit, with the interval of their total where the data can say it."""
    model, summary = of.valued
    money = currency_of(of.known.frame("order_lines")) or "major units"
    span = "for ever" if model.terms.horizon is None else f"in {model.terms.horizon.days} days"
    total = total_of(model, summary, np.random.default_rng(of.config.seed))
    stated = {"unit": f"{money} {span}", "total": total if isinstance(total, Total) else None}
    return plots.clv_distribution(model.predict(summary), **stated | options)


_ORDER = {"gains": _of_rows(plots.gains), "lift": _of_rows(plots.lift)}
_PROBABILITY = _ORDER | {"calibration": _of_rows(plots.calibration)}
_RETENTION = {
    "retention": _of_cohorts(plots.retention),
    "retention_matrix": _of_cohorts(plots.retention_matrix),
}
PLOTS: Mapping[str, Mapping[str, tuple[Draw, str]]] = {
    "churn": _PROBABILITY | _RETENTION,
    "propensity": _PROBABILITY,
    "uplift": {"qini": _of_rows(plots.qini)},
    "clv": {
        **_ORDER,
        "p_alive_path": (_p_alive_path, _TABLES),
        "p_alive_matrix": _of_purchases(plots.p_alive_matrix),
        "purchases_matrix": (_purchases_matrix, _TABLES),
        "clv_distribution": (_clv_distribution, _TABLES),
        **_RETENTION,
    },
    "recommend": {"coverage": _of_lists(plots.coverage), "exposure": _of_lists(plots.exposure)},
}
