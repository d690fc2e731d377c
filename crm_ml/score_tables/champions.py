"""The champions of the families as scoring needs them."""

import math
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.monitoring.training_profile import Profile
from crm_ml.score_tables.churn import Scorer
from crm_ml.score_tables.clv import Valuation
from crm_ml.score_tables.propensity import Responder
from crm_ml.score_tables.recommend import ItemModel
from crm_ml.score_tables.score_rows import Reasons
from crm_ml.score_tables.uplift import UpliftScorer
from crm_ml.snapshots import check_scored_after

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.recommend.recommender import Recommender
    from crm_ml.snapshots import Snapshot
    from crm_ml.tables.bundle import Tables
    from crm_ml.tracking import ModelVersion

REASONS = 3


def champion_scorer(model: str, as_of: date) -> Scorer:
    """Load the churn model behind an alias, after its sums were checked.

    Whom it scores, and the options of its features, stand in the manifest of the model.

    Parameters
    ----------
    model : str
        ``<name>@<alias>``, such as ``"churn@champion"``.
    as_of : date
        Day that is scored; it must not lie before the end of the labels the model was trained on.

    Raises
    ------
    InputError
        If no model has the alias, or its manifest does not say what scoring needs.
    LeakError
        If it has seen labels of after `as_of`.
    IntegrityError
        If a file of the model does not agree with its manifest (exit code 4).
    """
    from crm_ml.models import artefact

    version = _version(model, "churn", as_of, "active_within_days", "features")
    loaded = artefact.load(version.folder)
    return Scorer(
        name=version.name,
        sums=version.content,
        predict=loaded.predict,
        where=f"rfm_days_since_order < {version.details['active_within_days']}",
        reasons=_reasons(loaded),
        groups=version.details["features"],
        profile=Profile.read(version.folder),
    )


def champion_valuation(model: str, as_of: date) -> Valuation:
    """Load the lifetime-value model behind an alias; parameters and errors as `champion_scorer`.

    The labels of such a model are the orders until the day it was fitted on.
    """
    from crm_ml.clv import artefact

    version = _version(model, "clv", as_of)
    loaded, profile = artefact.load(version.folder), Profile.read(version.folder)
    return Valuation(version.name, version.content, loaded, profile)


def champion_responder(model: str, as_of: date) -> Responder:
    """Load the propensity model behind an alias; parameters and errors as `champion_scorer`."""
    from crm_ml.models import artefact

    version = _version(model, "propensity", as_of, "kinds", "features")
    loaded = artefact.load(version.folder)
    details = version.details
    return Responder(
        name=version.name,
        sums=version.content,
        predict=loaded.predict,
        kinds=details["kinds"],
        reasons=_reasons(loaded),
        groups=details["features"],
        profile=Profile.read(version.folder),
    )


def champion_effects(model: str, as_of: date) -> UpliftScorer:
    """Load the uplift model behind an alias; parameters and errors as `champion_scorer`."""
    from crm_ml.uplift import artefact

    version = _version(model, "uplift", as_of, "arms", "verified_arms", "features")
    predict = artefact.PyfuncModel(artefact.load(version.folder)).predict
    return UpliftScorer(
        name=version.name,
        sums=version.content,
        predict=predict,
        arms=version.details["arms"],
        verified=version.details["verified_arms"],
        groups=version.details["features"],
        profile=Profile.read(version.folder),
    )


def champion_items(model: str, as_of: date) -> ItemModel:
    """Load the recommender behind an alias; parameters and errors as `champion_scorer`.

    It takes in what was bought since, of customers who allow the purpose that it was trained for.
    """
    from crm_ml.recommend import artefact
    from crm_ml.recommend.recommendation_task import allowing, task_of

    version = _version(model, "recommend", as_of, "target")
    target = version.details["target"]
    if target["level"] != "item_id":
        raise InputError(f"{model}: it recommends by {target['level']}, and a list needs one of items")

    loaded, known = artefact.load(version.folder), set[datetime]()

    def at(tables: "Tables", snapshot: "Snapshot") -> "Recommender":
        if snapshot.as_of not in known:  # once for all actions of a list
            task = task_of(tables, snapshot, target["least_events"], after=False)
            task = allowing(task, tables, snapshot, target["purpose"])
            loaded.refresh(task.data, task.categories)
            known.add(snapshot.as_of)
        return loaded

    return ItemModel(version.name, version.content, loaded.gives_probabilities, at)


def _version(model: str, family: str, as_of: date, *needed: str) -> "ModelVersion":
    from crm_ml import tracking

    name, _, alias = model.partition("@")
    version = tracking.champion(name, alias)
    found = version.details.get("family")
    if found != family:
        raise InputError(f"{model}: it is a model of family {found}, and one of {family} is needed here")
    missing = [key for key in (*needed, "labels_end") if key not in version.details]
    if missing:
        raise InputError(f"{model}: its manifest has no {', '.join(missing)}; train it again")
    check_scored_after(version.details["labels_end"], as_of, model)
    return version


def _reasons(loaded: Any) -> Reasons | None:
    """Return what gives the reason codes of a model; None where it can't explain itself."""
    if not (hasattr(loaded, "reasons") and hasattr(getattr(loaded, "model", loaded), "reasons")):
        return None

    def reasons(features: "pd.DataFrame") -> list[list[str]]:
        return reason_texts(features, loaded.reasons(features, top=REASONS))

    return reasons


def reason_texts(features: "pd.DataFrame", reasons: "pd.DataFrame") -> list[list[str]]:
    """Say what moves each row, the feature with its value and its contribution in log-odds.

    Parameters
    ----------
    features : pandas.DataFrame, shape (n, k)
        Indexed by customer_id, each once.
    reasons : pandas.DataFrame
        Up to some rows for each of `features`, indexed like it, with the columns feature and contribution.

    Returns
    -------
    list of list of str
        One list a row of `features`, in its order.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"days": [41.0], "stage": ["dormant"]}, index=["a"])
    >>> found = pd.DataFrame({"feature": ["days", "stage"], "contribution": [0.831, -0.2]}, index=["a", "a"])
    >>> reason_texts(rows, found)
    [['days=41 (+0.83)', 'stage=dormant (-0.20)']]
    """
    values = features.to_dict("index")
    texts: dict[Any, list[str]] = {customer: [] for customer in features.index}
    for customer, feature, contribution in zip(
        reasons.index, reasons["feature"], reasons["contribution"], strict=True
    ):
        texts[customer].append(f"{feature}={_shown(values[customer][feature])} ({contribution:+.2f})")
    return list(texts.values())


def _shown(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "unknown"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
