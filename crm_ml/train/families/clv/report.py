"""What a lifetime-value experiment reports: metrics beside baselines, candidates, plots and gates."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from crm_ml import plots
from crm_ml.clv.cautions import texts
from crm_ml.clv.clv_model import ClvModel
from crm_ml.clv.gamma_gamma import GammaGamma
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.validation_windows import ValidationWindow
from crm_ml.evaluation.significance import Evaluation, Interval
from crm_ml.evaluation.total_verdict import total_verdict
from crm_ml.evaluation.value_predictions import ValuePredictions
from crm_ml.tables import Tables
from crm_ml.train.families.clv.tested import Tested
from crm_ml.train.record.outcome import Gate, named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MODEL = "model"
METRICS = ("rmse", "mae", "msle", "total_error", "normalised_gini", "top_decile_share")
_SHOWN = ("rmse", "normalised_gini", "total_error")


def best_baseline(judged: Evaluation) -> str:
    """Return the baseline of lowest root mean squared error."""
    others = [name for name in judged.models if name != MODEL]
    return min(others, key=lambda name: judged.interval(name, "rmse").value)


def metrics(value: Evaluation, purchases: Evaluation) -> dict[str, float]:
    """Return ``test.<metric>`` and ``baseline.<name>.<metric>``, of purchases ``test.purchases_<metric>``.

    ``difference.<metric>`` is the paired difference of the model to the baseline of lowest RMSE.
    """
    by_name: dict[str, float] = {}
    for judged, kind in ((value, ""), (purchases, "purchases_")):
        best = best_baseline(judged)
        for metric in METRICS:
            for name in judged.models:
                prefix = "test" if name == MODEL else f"baseline.{name}"
                by_name |= named(f"{prefix}.{kind}{metric}", judged.interval(name, metric))
            by_name |= named(f"difference.{kind}{metric}", judged.difference(MODEL, best, metric))
    return by_name


def summary(judged: Evaluation) -> pd.DataFrame:
    """Return the table for people: spend in the test window, a row for each model and for the difference."""
    rows = [
        {"model": name} | {metric: _shown(judged.interval(name, metric)) for metric in _SHOWN}
        for name in judged.models
    ]
    best = best_baseline(judged)
    paired = {metric: _shown(judged.difference(MODEL, best, metric)) for metric in _SHOWN}
    return pd.DataFrame([*rows, {"model": f"model - {best}"} | paired])


def gates(judged: Evaluation, tested: Tested, limit: float) -> tuple[Gate, ...]:
    """Return what must hold before the model becomes champion.

    It must not be clearly worse than the best baseline in RMSE, and the total must hold: see
    `crm_ml.evaluation.total_verdict`. Cautions of the model that was tested stand beside the total.
    """
    best = best_baseline(judged)
    paired = judged.difference(MODEL, best, "rmse")
    errors = {name: judged.interval(name, "total_error").value for name in judged.models if name != "zeros"}
    total, observed = tested.total, float(tested.window.outcomes.known["value"].sum())
    interval = total if isinstance(total, str) else (total.prediction_low, total.prediction_high)
    verdict = total_verdict(observed, interval, errors.pop(MODEL), limit, errors)
    return (
        Gate("not worse than the best baseline", paired.low <= 0, f"RMSE - {best} {paired}"),
        Gate("total", verdict.holds, ". ".join([verdict.reason, *texts(tested.cautions)])),
    )


def tables(validation: Evaluation, value: Evaluation, purchases: Evaluation) -> dict[str, pd.DataFrame]:
    """Return the candidates on the validation windows, and model and baselines on the test window."""
    return {
        "validation": validation.table(),
        "metrics": value.table(),
        "differences": value.differences(MODEL),
        "purchases": purchases.table(),
    }


def figures(
    tables: Tables, window: ValidationWindow, model: ClvModel, predictions: ValuePredictions
) -> "dict[str, Figure]":
    """Return the plots of the test window: frequency, cumulative purchases, P(alive), deciles."""
    purchases, name, test = model.valuer.purchases, model.valuer.name, window.snapshot
    expected = purchases.expected_purchases(window.summary, test.horizon).to_numpy()
    frequency, bought = window.summary["frequency"].to_numpy(), window.outcomes.known["purchases"].to_numpy()
    span = f"{test.horizon.days} days"
    return {
        "frequency": plots.purchases_by_frequency(frequency, bought, {name: expected}, horizon=span),
        "cumulative": plots.cumulative_purchases(
            tables, test, window.summary, {name: purchases}, data_ends_at=test.label_ends_at
        ),
        "p_alive": plots.p_alive_matrix(purchases, window.summary),
        "deciles": plots.deciles(predictions, unit=f"spend in {span}", model=MODEL),
    }


def fitted_facts(model: PurchaseModel) -> dict[str, Any]:
    """Return parameters, errors, criteria and record of a purchase model."""
    return {
        "params": model.params_,
        "standard_errors": model.standard_errors_,
        "log_likelihood": model.log_likelihood_,
        "aic": model.aic_,
        "bic": model.bic_,
        "record": model.record_.as_dict(),
    }


def spend_facts(model: GammaGamma) -> dict[str, Any]:
    """Return parameters, errors and the test of independence of a spend model."""
    return {
        "params": model.params_,
        "standard_errors": model.standard_errors_,
        "log_likelihood": model.log_likelihood_,
        "independence": asdict(model.independence_),
        "levels": asdict(model.levels_),
        "mean_is_tied": model.mean_is_tied_,
    }


def _shown(interval: Interval) -> str:
    return f"{interval.value:.4g}\n{interval.low:.3g} to {interval.high:.3g}"
