"""One verb that trains, judges and calibrates a model of any family."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import date
from typing import TYPE_CHECKING, Any

from crm_ml.config.day_places import naming_days, places_of
from crm_ml.front.fit_report import FitReport
from crm_ml.front.fitted_model import FittedModel, new_home
from crm_ml.front.run_config import run_config
from crm_ml.private_files import private_files
from crm_ml.progress import shown
from crm_ml.tables import Tables
from crm_ml.tables.bundle import need_tables

if TYPE_CHECKING:
    from rich.progress import Progress


@private_files()
def fit(
    family: str,
    tables: Tables,
    *,
    as_of: date | str | None = None,
    track: bool = False,
    progress: bool = False,
    settings: Mapping[str, Any] | None = None,
    **stated: Any,
) -> FittedModel:
    """Train a model of a family and judge it beside simple rules, without a look ahead.

    It is the experiment of ``python -m crm_ml.train``: test days lie before `as_of`, models of a test day
    learn from labels that had ended by then, probabilities are calibrated on rows that the model had not
    seen, and every metric has a paired bootstrap interval. What is not stated follows from the reach and the
    rhythm of the tables, see `crm_ml.config.suggested`.

    Parameters
    ----------
    family : str
        ``"churn"``, ``"clv"``, ``"propensity"``, ``"uplift"``, ``"recommend"`` or an installed one.
    tables : Tables
        Of `crm_ml.tables.from_frame`, `crm_ml.datasets.load` or a mapping.
    as_of : date or str, optional
        The final model knows what was before this day, and predicts from it on; by default the day after the
        newest order.
    track : bool
        Whether the run is logged and its model registered in MLflow, as by ``python -m crm_ml.train``.
    progress : bool
        Whether stages are shown: a bar on the terminal or in the notebook, elsewhere lines on standard error.
    settings : mapping of str to value, optional
        Of the family's config by dotted key or nested, such as ``{"model.options.rounds": 200}``; a whole
        config is taken as it is.
    **stated
        Settings by their own name: ``horizon_days``, ``active_within_days``, ``seed``, ``replicates``,
        ``categories``, ``largest_ece`` ...

    Returns
    -------
    FittedModel

    Raises
    ------
    ConfigError
        If there is no such family or setting; near names are in the message.
    InputError
        If `tables` are none, or too few or too short; the message says what is needed and what there is.
    LeakError
        If a feature or a summary knows the future.

    Examples
    --------
    >>> import crm_ml
    >>> shop = crm_ml.datasets.load("simulated", customers=300, campaigns=3)
    >>> crm_ml.fit("churn", shop, as_of="2024-12-29", horizn_days=28)
    Traceback (most recent call last):
    ...
    crm_ml.errors.ConfigError: fit: churn has no setting 'horizn_days'; did you mean horizon_days?
    >>> fitted = crm_ml.fit("churn", shop, as_of="2024-12-29", horizon_days=28)  # doctest: +SKIP
    >>> fitted.predict()["p_churn"].between(0, 1).all()  # doctest: +SKIP
    True
    """
    from crm_ml.train import experiment

    need_tables(tables, "crm_ml.fit")
    config, reasons = run_config(family, tables, as_of, stated, settings or {})
    name = f"{family}/{config.register_as.name}"
    days = places_of(config.model_dump(), f"fit({family!r})")
    with _stages(progress) as stages, naming_days(days):
        if track:
            finished = experiment.run_on(name, config, tables, stages, "crm_ml.fit")
            outcome, run_id = finished.outcome, finished.run_id
        else:
            outcome, run_id = experiment.execute(config, tables, stages), ""
    home = new_home()
    outcome.candidate.save(home / "model")
    of_tables = () if tables.report is None else tables.report.notes
    report, rows = FitReport.of(outcome, config, reasons, of_tables), outcome.rows
    return FittedModel(
        config, report, home, tables, outcome.figures, run_id, None if rows is None else rows.parts
    )


def _stages(are_shown: bool) -> "AbstractContextManager[Progress]":
    """Return what stages are told to; nothing shows them unless they are wanted."""
    from rich.console import Console
    from rich.progress import Progress

    return shown(Console(stderr=True)) if are_shown else Progress(disable=True)
