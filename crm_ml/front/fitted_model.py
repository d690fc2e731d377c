"""A model that was fitted and judged, as a notebook uses it."""

import shutil
import weakref
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from crm_ml.actions.catalog import Action
from crm_ml.config import Run
from crm_ml.errors import InputError, LeakError
from crm_ml.evaluation.base_predictions import BasePredictions
from crm_ml.front import saved_fit
from crm_ml.front.days import day_of
from crm_ml.front.explanation import Explanation, explanation_of
from crm_ml.front.fit_report import FitReport
from crm_ml.front.model_plots import Draw, Plotted
from crm_ml.front.scored_day import ScoredDay, score
from crm_ml.score_tables.champion_set import source_of
from crm_ml.score_tables.source import Source
from crm_ml.snapshots import as_utc
from crm_ml.storage.manifest import copy_files
from crm_ml.tables import Tables
from crm_ml.tables.bundle import need_tables
from crm_ml.tracking import ModelVersion
from crm_ml.train.compare.scored_rows import ListRows
from crm_ml.train.record.outcome import Gate

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_PLOT = "plot_"


class FittedModel:
    """A model of a family with what its run says of it; `crm_ml.fit` makes it.

    Parameters
    ----------
    config : Run
    evaluation : FitReport
        Metrics beside the baselines with 95 % intervals, gates and notes; a notebook shows it as a table.
    home : Path
        Folder of its own with the model in ``model``; removed when the object is gone.
    tables : Tables, optional
        What it was fitted to.
    figures : mapping of str to matplotlib Figure
        Each is a method ``plot_<name>()``, as are the plots of `crm_ml.plots` that the family has.
    run_id : str
        Of the run that was logged; empty without one.
    rows : mapping of str to BasePredictions or ListRows
        Test rows, of which plots are drawn.
    """

    def __init__(
        self,
        config: Run,
        evaluation: FitReport,
        home: Path,
        tables: Tables | None = None,
        figures: "Mapping[str, Figure] | None" = None,
        run_id: str = "",
        rows: Mapping[str, BasePredictions | ListRows] | None = None,
    ) -> None:
        self.config, self.evaluation, self.run_id = config, evaluation, run_id
        self.tables = tables
        self._figures, self._rows = dict(figures or {}), dict(rows or {})
        self._version = ModelVersion.in_folder(self.name, "", home / "model")
        weakref.finalize(self, shutil.rmtree, home, ignore_errors=True)

    @property
    def family(self) -> str:
        """Name of the family."""
        return self.config.family

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.config.register_as.name

    @property
    def gates(self) -> tuple[Gate, ...]:
        """Conditions for a champion, each with whether it holds and why."""
        return self.evaluation.gates

    @property
    def holds(self) -> bool:
        """Whether every gate holds, so that the model may be used for a list."""
        return self.evaluation.holds

    @property
    def notes(self) -> tuple[str, ...]:
        """What the run says beside its figures."""
        return self.evaluation.notes

    @property
    def labels_end(self) -> date:
        """First day that the model may predict: no label that it learned from lies on it or later."""
        return as_utc(self._version.details["labels_end"]).date()

    def source(self) -> Source:
        """Return what a list needs of the model, as of a registered champion."""
        return source_of(self._version, self.family, self.name)

    def predict(
        self,
        as_of: date | str | None = None,
        tables: Tables | None = None,
        actions: Sequence[Action] = (),
    ) -> "pd.DataFrame":
        """Score the customers on a day.

        Parameters
        ----------
        as_of : date or str, optional
            Only what was before it is known; by default the day that the model was fitted for.
        tables : Tables, optional
            Newer ones; by default those that it was fitted to.
        actions : sequence of Action, optional
            What scores are about, of a family that scores each action: an answer, or items to recommend. By
            default those that the model was trained on.

        Returns
        -------
        pandas.DataFrame
            The family's score table, indexed by customer_id: of churn ``p_churn``, of clv ``p_alive``,
            ``expected_purchases``, ``clv_cents`` with its 95 % interval and the summary behind it, of uplift
            ``uplift_<arm>``, of propensity ``p_response`` and of recommend ``item_ids``, ``item_p``,
            ``item_reasons``; the last two with the column ``action``.

        Raises
        ------
        ConfigError
            If `as_of` is no day.
        LeakError
            If labels that the model learned from reach beyond `as_of`.
        InputError
            If a loaded model has no tables, or an action does not fit.
        """
        return self._scored(as_of, tables, actions).frame

    def explain(
        self,
        customer_id: object,
        as_of: date | str | None = None,
        tables: Tables | None = None,
        actions: Sequence[Action] = (),
    ) -> Explanation:
        """Say why a customer has this score.

        Parameters
        ----------
        customer_id : str or int
        as_of, tables, actions
            As of `predict`.

        Raises
        ------
        InputError
            If the customer is not known on that day, or the model is not about the customer.
        LeakError
            As `predict`.
        """
        scored = self._scored(as_of, tables, actions)
        return explanation_of(str(customer_id), scored, self._version.folder)

    def save(self, folder: str | Path) -> Path:
        """Write the model, its config, its evaluation and its plots; `crm_ml.load_model` reads it again.

        Parameters
        ----------
        folder : str or Path
            Must not exist or be empty.

        Returns
        -------
        Path
            The folder; the model alone is in its folder ``model``.

        Raises
        ------
        AlreadyPublished
            If the folder stands already.
        """
        return saved_fit.save(Path(folder), self.config, self.evaluation, self._version.folder, self._figures)

    def _scored(
        self, as_of: date | str | None, tables: Tables | None, actions: Sequence[Action]
    ) -> ScoredDay:
        day = self.config.register_as.as_of if as_of is None else day_of(as_of)
        if as_utc(day) < as_utc(self.labels_end):
            raise LeakError(
                f"{self.name} learned from labels until {self.labels_end}, since it was fitted as of "
                f"{self.config.register_as.as_of}, and must not score {day}; take a day from then on, or fit "
                f"with as_of={str(day)!r}"
            )
        tables = self.tables if tables is None else tables
        if tables is None:
            raise InputError(f"{self.name} was loaded without tables; give tables=, here or to load_model")
        need_tables(tables, f"predict of {self.name}")
        return score(self.source(), tables, day, actions)

    @property
    def _plots(self) -> Mapping[str, Draw]:
        of = (self.config, self._version.folder, self.tables, self._rows, self._figures, self.predict)
        return Plotted(*of).plots

    def __getattr__(self, name: str) -> Draw:
        if not name.startswith(_PLOT):
            raise AttributeError(f"a fitted model has no {name!r}; see dir() of it")
        drawn, plot = self._plots, name.removeprefix(_PLOT)
        if plot not in drawn:
            there = [f"there are {', '.join(f'{_PLOT}{each}()' for each in drawn)}"] if drawn else []
            there += [] if self._figures else ["a loaded model has its plots as PNG in its folder"]
            raise AttributeError(f"{self.name} has no {name}(); {'; '.join(there)}")
        return drawn[plot]

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(f"{_PLOT}{name}" for name in self._plots)})

    def __repr__(self) -> str:
        failing = [gate.name for gate in self.gates if not gate.passed]
        verdict = f"fails: {'; '.join(failing)}" if failing else f"all {len(self.gates)} gates hold"
        return f"FittedModel({self.name!r}, as_of={self.config.register_as.as_of}, {verdict})"

    def _repr_html_(self) -> str:
        return self.evaluation._repr_html_()


def new_home() -> Path:
    """Return a new folder for the files of a model."""
    return Path(mkdtemp(prefix="crm_ml_fit_"))


def load_model(folder: str | Path, tables: Tables | None = None) -> FittedModel:
    """Return a model that `FittedModel.save` wrote.

    Parameters
    ----------
    folder : str or Path
    tables : Tables, optional
        That it shall predict by default.

    Raises
    ------
    IntegrityError
        If a file is missing or has changed.
    InputError
        If the family is not installed here.
    """
    config, evaluation = saved_fit.read(Path(folder))
    home = new_home()
    copy_files(Path(folder) / "model", home / "model")
    return FittedModel(config, evaluation, home, tables)
