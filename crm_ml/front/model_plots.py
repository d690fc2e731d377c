"""Plots of a fitted model: the figures of its run, and those of `crm_ml.plots` that its family has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Signature, cleandoc, signature
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
    from crm_ml.clv.time_units import Horizon

Draw = Callable[..., "Figure"]
_ROWS, _TABLES = "test rows", "tables"  # what a plot needs
_NOT_BESIDE = ("customer_id",)  # test rows hold it


@dataclass(frozen=True)
class ModelPlot:
    """A plot of `crm_ml.plots` that a family has.

    Parameters
    ----------
    draw : callable
        Draws it of a `Plotted`; its docstring says of what.
    needs : str
        Test rows or tables.
    plot : callable
        Of `crm_ml.plots`, to which options go on.
    """

    draw: Draw
    needs: str
    plot: Draw

    @property
    def signature(self) -> Signature:
        """What a user may give: parameters of `draw` but its first, and options of `plot`."""
        own = [each for each in signature(self.draw).parameters.values() if each.kind != each.VAR_KEYWORD][1:]
        taken = {*_NOT_BESIDE, *(each.name for each in own)}
        options = signature(self.plot).parameters.values()
        more = [each for each in options if each.kind == each.KEYWORD_ONLY and each.name not in taken]
        return Signature([*own, *more], return_annotation="Figure")

    @property
    def doc(self) -> str:
        """What it draws, of what, and where its options are described."""
        summary = cleandoc(self.plot.__doc__ or "").partition("\n")[0]
        return f"{summary}\n\n{self.draw.__doc__} Options are those of `crm_ml.plots.{self.plot.__name__}`."


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
        drawn = {name: plot for name, plot in known.items() if there[plot.needs]}
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
        summary = clv.summarize(self.known, day, model.time_unit, with_first_value=True, data_ends_at=day)
        return model, clv.with_attributes(summary, self.known, model.covariates)

    def _one(self, name: str, drawn: ModelPlot | None) -> Draw:
        def plot(*args: Any, **options: Any) -> "Figure":
            if name in self.figures and not (args or options):
                return self.figures[name]
            if drawn is None:
                raise InputError(f"plot_{name} is a figure of the run, which takes no options")
            return drawn.draw(self, *args, **options)

        plot.__name__ = plot.__qualname__ = f"plot_{name}"
        plot.__doc__ = "Return the figure of the run." if drawn is None else drawn.doc
        vars(plot)["__signature__"] = Signature() if drawn is None else drawn.signature
        return plot


def _of_rows(plot: Draw) -> ModelPlot:
    """Return a plot of the test rows."""

    def drawn(of: Plotted, part: str | None = None, *, model: str = MODEL, **options: Any) -> "Figure":
        """Drawn of the test rows; `part` names one of several."""
        return plot(of.part(part), model=model, **options)

    return ModelPlot(drawn, _ROWS, plot)


def _p_alive_matrix(of: Plotted, **options: Any) -> "Figure":
    """Drawn of the summary of the day of the fit."""
    model, summary = of.valued
    return plots.p_alive_matrix(model.valuer.purchases, summary, **options)


def _of_cohorts(plot: Draw) -> ModelPlot:
    """Return a plot of retention until the day of the fit."""

    def drawn(of: Plotted, period: "Period" = "M", **options: Any) -> "Figure":
        """Drawn of the tables until the day of the fit; `period` is ``"M"`` or ``"W"``."""
        return plot(clv.retention(of.known, of.config.register_as.as_of, period), **options)

    return ModelPlot(drawn, _TABLES, plot)


def _of_lists(plot: Draw) -> ModelPlot:
    """Return a plot of lists."""

    def drawn(of: Plotted, **options: Any) -> "Figure":
        """Drawn of the lists of the day of the fit, by action."""
        lists = {str(action): _listed(rows) for action, rows in of.predict().groupby("action")}
        listed = {item for rows in lists.values() for item in rows["item_id"]}
        return plot(lists, sorted({*model_folder.load(of.folder).items_, *listed}), **options)

    return ModelPlot(drawn, _TABLES, plot)


def _listed(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return a row for each place of the lists, as `Recommender.recommend` does."""
    places = rows["item_ids"].explode().dropna().rename("item_id").reset_index()
    return places.assign(rank=places.groupby("customer_id").cumcount() + 1)


def _p_alive_path(of: Plotted, customer_id: object = None, **options: Any) -> "Figure":
    """Drawn until the day of the fit; by default of the customer with most purchases."""
    model, summary = of.valued
    customer = str(summary["frequency"].idxmax() if customer_id is None else customer_id)
    day = of.config.register_as.as_of
    return plots.p_alive_path(model.valuer.purchases, of.known, customer, day, **options)


def _purchases_matrix(of: Plotted, horizon: "Horizon | None" = None, **options: Any) -> "Figure":
    """Drawn of the summary of the day of the fit; `horizon` is that of the model, or a year."""
    model, summary = of.valued
    horizon = horizon or model.terms.horizon or clv.months(12)
    return plots.purchases_matrix(model.valuer.purchases, summary, horizon, **options)


def _clv_distribution(of: Plotted, *, unit: str | None = None, **options: Any) -> "Figure":
    """Drawn of the day of the fit, with the interval of the total where the data can say it."""
    model, summary = of.valued
    money = currency_of(of.known.frame("order_lines")) or "major units"
    span = "for ever" if model.terms.horizon is None else f"in {model.terms.horizon.days} days"
    total = total_of(model, summary, np.random.default_rng(of.config.seed))
    stated = {"total": total if isinstance(total, Total) else None}
    return plots.clv_distribution(model.predict(summary), unit=unit or f"{money} {span}", **stated | options)


_ORDER = {"gains": _of_rows(plots.gains), "lift": _of_rows(plots.lift)}
_PROBABILITY = _ORDER | {"calibration": _of_rows(plots.calibration)}
_RETENTION = {
    "retention": _of_cohorts(plots.retention),
    "retention_matrix": _of_cohorts(plots.retention_matrix),
}
PLOTS: Mapping[str, Mapping[str, ModelPlot]] = {
    "churn": _PROBABILITY | _RETENTION,
    "propensity": _PROBABILITY,
    "uplift": {"qini": _of_rows(plots.qini)},
    "clv": {
        **_ORDER,
        "p_alive_path": ModelPlot(_p_alive_path, _TABLES, plots.p_alive_path),
        "p_alive_matrix": ModelPlot(_p_alive_matrix, _TABLES, plots.p_alive_matrix),
        "purchases_matrix": ModelPlot(_purchases_matrix, _TABLES, plots.purchases_matrix),
        "clv_distribution": ModelPlot(_clv_distribution, _TABLES, plots.clv_distribution),
        **_RETENTION,
    },
    "recommend": {"coverage": _of_lists(plots.coverage), "exposure": _of_lists(plots.exposure)},
}
