"""Others that a model loses to, beyond the interval of the paired difference."""

from crm_ml.evaluation.significance import Evaluation, Over

LOWER_IS_BETTER = frozenset({"log_loss", "brier", "ece"})


def lost_to(judged: Evaluation, model: str, metric: str, over: Over = "pooled") -> dict[str, str]:
    """Say which of the others a model is worse than for certain.

    Parameters
    ----------
    judged : Evaluation
        Of the model and others on the same rows.
    model, metric : str
    over : {"pooled", "folds"}

    Returns
    -------
    dict of str to str
        A sentence with the paired difference and its 95 % interval, by the name of the other; empty where the
        model loses to none.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"model": [0.1, 0.11, 0.09], "popularity": [0.2, 0.2, 0.21]}
    >>> replicates = {(name, "ndcg", "pooled"): np.array(drawn) for name, drawn in values.items()}
    >>> judged = Evaluation(replicates, ("model", "popularity"), ("ndcg",))
    >>> lost_to(judged, "model", "ndcg")
    {'popularity': 'model loses to popularity: ndcg -0.1000 [-0.1192, -0.0908]'}
    """
    sentences = {}
    for other in judged.models:
        if other == model:
            continue
        paired = judged.difference(model, other, metric, over)
        if paired.low > 0 if metric in LOWER_IS_BETTER else paired.high < 0:
            sentences[other] = f"{model} loses to {other}: {metric} {paired}"
    return sentences
