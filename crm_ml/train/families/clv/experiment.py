"""The lifetime-value experiment: chosen on validation windows, judged on a test window, fitted to score."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.clv import clv_pyfunc, model_selection
from crm_ml.clv.baselines import Baseline, baselines
from crm_ml.clv.bootstrap import with_bootstrap_errors
from crm_ml.clv.cautions import Caution, cautions, texts
from crm_ml.clv.challenger import Challenger, challenger_features
from crm_ml.clv.clv_model import ClvModel
from crm_ml.clv.purchase_and_spend_model import Valuer
from crm_ml.clv.purchase_calendar import purchase_calendar
from crm_ml.clv.season import seasonal_factor
from crm_ml.clv.totals import total_of
from crm_ml.clv.validation_windows import ValidationWindow, WindowSource, check_point_in_time
from crm_ml.clv.valuation_terms import Terms
from crm_ml.clv.value_calibration import NO_TILT
from crm_ml.clv.value_profile import of_values
from crm_ml.config import ClvRun
from crm_ml.consents import check_purpose, consenting, nobody_allows
from crm_ml.evaluation.significance import evaluate
from crm_ml.evaluation.value_predictions import ValuePredictions
from crm_ml.models import model_folder
from crm_ml.snapshots import Snapshot, as_utc, check_data_reach
from crm_ml.tables import Tables
from crm_ml.tables.zones import declared
from crm_ml.train.families.clv import report
from crm_ml.train.families.clv.fitting import fit_candidates, fit_challenger, fit_one
from crm_ml.train.families.clv.report import MODEL
from crm_ml.train.families.clv.test_rows import of_value
from crm_ml.train.families.clv.tested import Chosen, Tested
from crm_ml.train.families.clv.trace import trace_of
from crm_ml.train.record.fingerprints import array_sum
from crm_ml.train.record.outcome import Candidate, Outcome, no_leak

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from rich.progress import Progress

    from crm_ml.clv.purchase_histories import Floats


def execute(
    config: ClvRun,
    tables: Tables,
    progress: "Progress",
    studies: "Path | None" = None,  # noqa: ARG001  (there is no search)
) -> Outcome:
    """Run the lifetime-value experiment of one config.

    Parameters
    ----------
    config : ClvRun
    tables : Tables
    progress : rich.progress.Progress

    Returns
    -------
    Outcome
        Metrics of spend in the test window (``test.``, ``baseline.<name>.``) and of the number of purchases
        (``test.purchases_`` and so on).

    Raises
    ------
    LeakError
        If a summary knows later rows.
    InputError
        If the tables do not reach far enough, or nobody repeats.
    """
    shown = progress.add_task("validation, test, final model", total=len(config.split.validation) + 4)
    rng = np.random.default_rng(config.seed)
    source = source_of(config, tables)
    check(config, source)
    windows = []
    for day in config.split.validation:
        windows.append(source.window(day, config.window_days(day)))
        progress.advance(shown)
    chosen = choose(config, source, windows, rng)
    progress.advance(shown)
    tested = test(config, source, chosen)
    parts = {"value": tested.value, "purchases": tested.purchases}
    judged = {
        name: evaluate(part, rng, None, config.replicates, over=("pooled",)) for name, part in parts.items()
    }
    progress.advance(shown)
    final = final_model(config, source, chosen, rng)
    progress.advance(shown)
    figures = report.figures(tables, tested.window, tested.model, tested.value)
    progress.advance(shown)
    return Outcome(
        metrics=report.metrics(judged["value"], judged["purchases"]),
        summary=report.summary(judged["value"]),
        gates=(*report.gates(judged["value"], tested, config.largest_total_error), no_leak("summaries")),
        candidate=_candidate(config, final, source, tested.window),
        trace=trace_of(windows, source.summary(as_utc(config.register_as.as_of)), chosen, tested),
        tables=report.tables(chosen.judged, judged["value"], judged["purchases"]),
        figures=figures,
        facts=_facts(config, windows, chosen, tested, final),
        rows=of_value(tested),
        notes=tuple(f"caution: {text}" for text in texts(final.cautions)),
    )


def check(config: ClvRun, source: WindowSource) -> None:
    """Refuse, before anything is fitted, what would stop or spoil the run later.

    Raises
    ------
    ConfigError
        If the challenger has no such parameter.
    InputError
        If the data end before the test window, or before the day of the final model.
    LeakError
        If the summary of the test day knows later rows.
    """
    if config.challenger is not None:
        Challenger.with_options(config.challenger.options)
    last_day = as_utc(config.register_as.as_of) - timedelta(days=1)
    for as_of, days in ((config.split.test, config.target.horizon_days), (last_day, 1)):
        window = Snapshot(as_utc(as_of), timedelta(days=days))
        check_data_reach(source.tables, window, config.data.ends_at)
    check_point_in_time(source, config.split.test)


def source_of(config: ClvRun, tables: Tables) -> WindowSource:
    """Return where windows are cut from: customers who allow ``target.purpose`` at the final model.

    Raises
    ------
    ConfigError
        If tables and purpose do not fit, see `crm_ml.consents.check_purpose`.
    InputError
        If nobody allows it.
    """
    check_purpose(tables, config.target.purpose)
    customers = None
    if config.target.purpose is not None:
        today = Snapshot(as_utc(config.register_as.as_of), timedelta(days=1))
        customers = consenting(tables, today, config.target.purpose)
        if not customers:
            everybody = f"{len(tables.pandas('customers')):,} customers"
            raise nobody_allows(tables, today, config.target.purpose, everybody)
    return WindowSource(tables, config.time_unit, customers, config.data.ends_at, config.attributes)


def choose(
    config: ClvRun, source: WindowSource, windows: Sequence[ValidationWindow], rng: np.random.Generator
) -> Chosen:
    """Fit all candidates and the challenger before each validation window and apply the rule of selection."""
    fitted = [fit_candidates(config, source, window.snapshot.as_of) for window in windows]
    pairs = list(zip(fitted, windows, strict=True))
    predicted: dict[str, Sequence[Floats]] = {
        candidate.name: [
            np.asarray(each[candidate.name].value(w.summary, w.terms), dtype=np.float64) for each, w in pairs
        ]
        for candidate in config.candidates
    }
    base = model_selection.best_candidate(predicted, windows, rng, config.replicates)
    if config.challenger is not None:
        predicted[model_selection.CHALLENGER] = [
            _challenge(config, source, window, each[base], base, value)
            for value, (each, window) in zip(predicted[base], pairs, strict=True)
        ]
    factors = [seasonal_factor(each[base].purchases, w.summary, source.tables, w.snapshot.as_of,
                               w.snapshot.horizon) for each, w in pairs]  # fmt: skip
    is_seasonal = model_selection.prefers_season(predicted[base], factors, windows)
    if is_seasonal:
        predicted = {
            name: [factor * value for factor, value in zip(factors, values, strict=True)]
            for name, values in predicted.items()
        }
    judged = model_selection.judge(predicted, windows, rng, config.replicates)
    choice = model_selection.choose(judged, base)
    best = predicted[model_selection.CHALLENGER if choice.challenger else base]
    tilt = model_selection.tilt_of(best, windows) if choice.tilted else NO_TILT
    errors = model_selection.level_errors(best, windows, choice.tilted)
    return Chosen(choice, judged, tilt, errors, is_seasonal)


def _challenge(
    config: ClvRun, source: WindowSource, window: ValidationWindow, valuer: Valuer, base: str, value: "Floats"
) -> "Floats":
    trees = fit_challenger(config, source, window.snapshot.as_of, base)
    return trees.correct(challenger_features(valuer, window.summary, window.terms), value)


def test(config: ClvRun, source: WindowSource, chosen: Chosen) -> Tested:
    """Fit what was chosen before the test window and put it beside the baselines."""
    window = source.window(config.split.test, config.target.horizon_days)
    model = _model(config, source, chosen, window.snapshot.as_of, window.summary, window.terms)
    values = model.predict(window.summary)
    rules = baselines(window.summary, window.snapshot.horizon)
    ours = Baseline(values["expected_purchases"].to_numpy(), values["clv"].to_numpy())
    by_model = {MODEL: ours, **rules}
    known = window.outcomes.known
    ids, fold = window.summary.index.to_numpy(dtype=str), np.full(len(window.summary), window.name)
    return Tested(
        window,
        model,
        ValuePredictions(
            ids, fold, known["value"].to_numpy(), {n: prediction.value for n, prediction in by_model.items()}
        ),
        ValuePredictions(
            ids,
            fold,
            known["purchases"].to_numpy(),
            {n: prediction.purchases for n, prediction in by_model.items()},
        ),
        total_of(model, window.summary, np.random.default_rng(config.seed), chosen.level_errors),
        _cautions(source, window.snapshot.as_of, model),
    )


def _cautions(source: WindowSource, as_of: datetime, model: ClvModel) -> tuple[Caution, ...]:
    summary = source.summary(as_of)
    calendar = purchase_calendar(source.tables, as_of, summary)
    return cautions(model.valuer.purchases, summary, model.terms.length, calendar)


def final_model(config: ClvRun, source: WindowSource, chosen: Chosen, rng: np.random.Generator) -> ClvModel:
    """Fit what was chosen to all that is known on the day of registration, with intervals by bootstrap."""
    worth = Terms.of_months(config.worth.months, config.worth.annual_discount_rate, config.worth.margin)
    as_of = as_utc(config.register_as.as_of)
    summary = source.summary(as_of)
    model = _model(config, source, chosen, as_of, summary, worth)
    purchases, spend = model.valuer.purchases, model.valuer.spend
    valuer = replace(
        model.valuer,
        purchases=with_bootstrap_errors(purchases, summary, config.interval_replicates, rng),
        spend=with_bootstrap_errors(spend, summary, config.interval_replicates, rng),
    )
    return replace(model, valuer=valuer, cautions=_cautions(source, as_of, model))


def _model(
    config: ClvRun,
    source: WindowSource,
    chosen: Chosen,
    as_of: datetime,
    summary: "pd.DataFrame",
    terms: Terms,
) -> ClvModel:
    valuer = fit_one(config, source, as_of, chosen.choice.base)
    trees = fit_challenger(config, source, as_of, chosen.choice.base) if chosen.choice.challenger else None
    season = 1.0
    if chosen.is_seasonal and terms.horizon is not None:
        season = seasonal_factor(valuer.purchases, summary, source.tables, as_of, terms.horizon)
    return ClvModel.of(valuer, terms, summary, chosen.tilt, trees, season)


def _candidate(config: ClvRun, model: ClvModel, source: WindowSource, window: ValidationWindow) -> Candidate:
    profile = of_values(model, source, window, config.register_as.as_of)
    details = {
        "labels_end": f"{config.register_as.as_of}",
        **declared(source.tables.zone),
        "time_unit": config.time_unit,
        "cautions": texts(model.cautions),
    }
    return Candidate(
        name=config.register_as.name,
        save=lambda folder: model_folder.save(model, folder, "clv", profile=profile, **details),
        loader_module=clv_pyfunc.__name__,
        inputs=dict.fromkeys(clv_pyfunc.INPUTS, "double") | clv_pyfunc.covariate_inputs(model),
        outputs=dict.fromkeys(clv_pyfunc.OUTPUTS, "double"),
    )


def _facts(
    config: ClvRun, windows: Sequence[ValidationWindow], chosen: Chosen, tested: Tested, final: ClvModel
) -> dict[str, Any]:
    fitted = tested.model.valuer
    return {
        "choice": vars(chosen.choice),
        "season": tested.model.season,
        "tilt": vars(chosen.tilt),
        "windows": [
            {
                "as_of": validation_window.name,
                "labels_end": f"{validation_window.snapshot.label_ends_at:%Y-%m-%d}",
            }
            | validation_window.outcomes.as_dict()
            for validation_window in [*windows, tested.window]
        ],
        "final_as_of": f"{config.register_as.as_of}",
        "purchases": report.fitted_facts(fitted.purchases),
        "spend": report.spend_facts(fitted.spend),
        "cautions": [caution.as_dict() for caution in final.cautions],
        "test_total": tested.total if isinstance(tested.total, str) else tested.total.as_dict(),
        "final_params": final.valuer.purchases.params_ | final.valuer.spend.params_,
        "predictions_sha256": array_sum(*tested.value.p.values()),
    }
