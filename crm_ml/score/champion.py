"""The champion of a family as scoring needs it."""

import math
from datetime import date
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.score.scores import Scorer
from crm_ml.snapshots import check_scored_after

if TYPE_CHECKING:
    import pandas as pd

REASONS = 3
_NEEDED = ("active_within_days", "features", "labels_end")


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
    from crm_ml import tracking
    from crm_ml.models import artefact

    name, _, alias = model.partition("@")
    version = tracking.champion(name, alias)
    details = version.details
    missing = [key for key in _NEEDED if key not in details]
    if missing:
        raise InputError(f"{model}: its manifest has no {', '.join(missing)}; train it again")
    check_scored_after(details["labels_end"], as_of, model)
    loaded = artefact.load(version.folder)

    def reasons(features: "pd.DataFrame") -> list[list[str]]:
        return reason_texts(features, loaded.reasons(features, top=REASONS))

    explains = hasattr(loaded, "reasons") and hasattr(getattr(loaded, "model", loaded), "reasons")
    return Scorer(
        name=name,
        sums=version.content,
        predict=loaded.predict,
        where=f"rfm_days_since_order < {details['active_within_days']}",
        reasons=reasons if explains else None,
        groups=details["features"],
    )


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
