"""Trees from encoded rows: boosters of several seeds on one binning, which repeat to the bit."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from crm_ml.models.booster_text import text_of
from crm_ml.models.training_rows import TrainingRows

REPEATING: Final[Mapping[str, Any]] = MappingProxyType(
    {"bagging_freq": 1, "deterministic": True, "force_col_wise": True, "verbosity": -1}
)
_STREAMS = {"seed": 0, "feature_fraction_seed": 2, "bagging_seed": 3, "extra_seed": 4, "objective_seed": 5}


def seeds(seed: int, number: int) -> dict[str, int]:
    """Return the seeds of LightGBM for the booster of a number; all boosters share that of the binning.

    Examples
    --------
    >>> seeds(0, 0)["bagging_seed"], seeds(0, 2)["bagging_seed"], seeds(0, 2)["data_random_seed"]
    (3, 2003, 1)
    """
    return {
        "data_random_seed": seed + 1,  # of the binning
        **{name: seed + 1000 * number + step for name, step in _STREAMS.items()},
    }


def trained_texts(rows: TrainingRows, parameters: Iterable[Mapping[str, Any]], rounds: int) -> list[str]:
    """Return the text of a booster for each set of parameters, grown from the same binned rows.

    Parameters
    ----------
    rows : TrainingRows
    parameters : iterable of mapping
        Of LightGBM, with the same binning in each.
    rounds : int
        Number of trees of a booster.
    """
    import lightgbm

    columns = rows.encoding.columns
    data = lightgbm.Dataset(
        rows.matrix,
        rows.y,
        weight=rows.weights if rows.weighted else None,
        feature_name=[f"f{position}" for position in range(len(columns))],
        categorical_feature=[columns.index(name) for name in rows.encoding.categories],
    )
    return [text_of(lightgbm.train(dict(each), data, num_boost_round=rounds)) for each in parameters]
