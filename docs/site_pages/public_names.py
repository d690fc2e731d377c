"""The public names of the package: what each page of the API reference holds."""

import importlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

# room -> names beside its ``__all__``: ``module.*`` stands for all that a module defines without a "_"
ROOMS: Mapping[str, tuple[str, ...]] = {
    "crm_ml": (
        "crm_ml.front.fitted_model.FittedModel",
        "crm_ml.front.fit_report.FitReport",
        "crm_ml.front.explanation.Explanation",
        "crm_ml.front.decided_list.DecidedList",
        "crm_ml.front.list_explanation.ListExplanation",
        "crm_ml.front.list_views.ListCertificate",
        "crm_ml.front.list_views.ListPage",
    ),
    "crm_ml.tables": (
        "crm_ml.tables.cleaning_report.CleaningReport",
        "crm_ml.tables.bundle.to_pandas",
        "crm_ml.tables.bundle.write_parquet",
        "crm_ml.tables.zones.on_clock",
    ),
    "crm_ml.identity": (
        "crm_ml.identity.explanation.*",
        "crm_ml.identity.lasting_ids.LastingIds",
        "crm_ml.identity.published_customers.*",
        "crm_ml.identity.cluster_metrics.ClusterAgreement",
    ),
    "crm_ml.datasets": (
        "crm_ml.datasets.cdnow.load",
        "crm_ml.datasets.complete_journey.load",
        "crm_ml.datasets.hillstrom.load",
        "crm_ml.datasets.online_retail.load",
        "crm_ml.datasets.simulated.load",
        "crm_ml.datasets.simulated.profiles",
        "crm_ml.datasets.starbucks.load",
    ),
    "crm_ml.snapshots": ("crm_ml.snapshots.*",),
    "crm_ml.consents": ("crm_ml.consents.*",),
    "crm_ml.features": (),
    "crm_ml.tags": ("crm_ml.tags.building.Refreshed", "crm_ml.tags.tag_run.load_settings"),
    "crm_ml.membership": (
        "crm_ml.membership.next_tier.*",
        "crm_ml.membership.membership_run.load_membership",
    ),
    "crm_ml.layers": (
        "crm_ml.layers.layer_run.*",
        "crm_ml.layers.layer_folder.LayerFolder",
        "crm_ml.layers.move_model.*",
    ),
    "crm_ml.models": ("crm_ml.models.discovery.*", "crm_ml.models.model_folder.*"),
    "crm_ml.churn": (),
    "crm_ml.clv": (
        "crm_ml.clv.purchase_model.PurchaseModel",
        "crm_ml.clv.totals.*",
        "crm_ml.clv.baselines.*",
        "crm_ml.clv.observed_outcomes.*",
    ),
    "crm_ml.propensity": (),
    "crm_ml.uplift": ("crm_ml.uplift.learner.*", "crm_ml.uplift.trial_rows.*"),
    "crm_ml.recommend": ("crm_ml.recommend.recommender.*", "crm_ml.recommend.recommendation_task.*"),
    "crm_ml.evaluation": (
        "crm_ml.evaluation.classification.*",
        "crm_ml.evaluation.ranking.*",
        "crm_ml.evaluation.value.*",
        "crm_ml.evaluation.uplift.*",
        "crm_ml.evaluation.uplift_at_k.uplift_at_k",
        "crm_ml.evaluation.uplift_curves.*",
        "crm_ml.evaluation.rank_weighted_effect.*",
        "crm_ml.evaluation.recommendation.*",
        "crm_ml.evaluation.beyond_accuracy.*",
        "crm_ml.evaluation.calibration_segments.calibration_by_segment",
        "crm_ml.evaluation.group_rates.group_rates",
        "crm_ml.evaluation.decision_curve.decision_curve",
        "crm_ml.evaluation.policy_value.*",
        "crm_ml.evaluation.decision_outcomes.decision_outcomes",
        "crm_ml.evaluation.off_policy.*",
        "crm_ml.evaluation.direct_outcomes.*",
        "crm_ml.evaluation.policy_estimators.LoggedRows",
        "crm_ml.evaluation.policy_estimators.estimate",
        "crm_ml.evaluation.limit_choice.*",
        "crm_ml.evaluation.slate_value.slate_value",
        "crm_ml.evaluation.amount_value.*",
        "crm_ml.evaluation.leakage.*",
        "crm_ml.evaluation.draw_check.*",
    ),
    "crm_ml.plots": (),
    "crm_ml.monitoring": (
        "crm_ml.monitoring.drift.*",
        "crm_ml.monitoring.psi.*",
        "crm_ml.monitoring.training_profile.Profile",
    ),
    "crm_ml.allocation": ("crm_ml.allocation.allocate.Allocation",),
    "crm_ml.rules": ("crm_ml.rules.compiled_rule.compile_rule", "crm_ml.rules.grammar.parse"),
    "crm_ml.actions": (),
    "crm_ml.decision": ("crm_ml.decision.certificate.Certificate", "crm_ml.decision.funnel.Funnel"),
    "crm_ml.score_tables": (
        "crm_ml.score_tables.source.*",
        "crm_ml.score_tables.families.score_table_families",
    ),
    "crm_ml.lists": (),
    "crm_ml.delivery": (
        "crm_ml.delivery.exporters.export_job.*",
        "crm_ml.delivery.exporters.export_plan.*",
        "crm_ml.delivery.exporters.readback.*",
        "crm_ml.delivery.loaders.load_once.*",
        "crm_ml.delivery.loaders.loaders.*",
    ),
    "crm_ml.learning": (
        "crm_ml.learning.list_evaluation.*",
        "crm_ml.learning.realised.realise.*",
    ),
    "crm_ml.config": (),
    "crm_ml.train": (
        "crm_ml.train.experiment.*",
        "crm_ml.train.compare.compare_runs.compare",
        "crm_ml.train.compare.paired.Comparison",
        "crm_ml.train.reproduce.compare",
        "crm_ml.train.record.outcome.*",
    ),
    "crm_ml.score": ("crm_ml.score.batch.*", "crm_ml.score.settings.settings_of"),
    "crm_ml.tracking": (),
    "crm_ml.pages": (),
    "crm_ml.storage": ("crm_ml.storage.manifest.verify", "crm_ml.storage.manifest.read_manifest"),
    "crm_ml.errors": ("crm_ml.errors.*",),
}


@dataclass(frozen=True)
class PublicName:
    """A name of the API.

    Parameters
    ----------
    path : str
        Dotted path from which it is imported, such as ``"crm_ml.clv.ParetoNBD"``.
    summary : str
        First line of its docstring.
    """

    path: str
    summary: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


@cache
def public_names(room: str) -> tuple[PublicName, ...]:
    """Return the public names of a room: its ``__all__``, and what `ROOMS` adds."""
    module = importlib.import_module(room)
    paths = [f"{room}.{name}" for name in getattr(module, "__all__", ()) if not name.startswith("__")]
    for path in ROOMS[room]:
        paths += _defined(path.removesuffix(".*")) if path.endswith(".*") else [path]
    return tuple(PublicName(path, _summary(path)) for path in dict.fromkeys(paths))


def value_of(path: str) -> object:
    """Return the object of a dotted path.

    Raises
    ------
    AttributeError
        If there is no such name.
    """
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _defined(module: str) -> Iterator[str]:
    for name, value in vars(importlib.import_module(module)).items():
        home = getattr(value, "__module__", None)
        if not name.startswith("_") and home == module and (inspect.isclass(value) or callable(value)):
            yield f"{module}.{name}"


def _summary(path: str) -> str:
    value = value_of(path)
    documented = inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value)
    text = (inspect.getdoc(value) or "") if documented else ""
    return " ".join(text.partition("\n\n")[0].split())
