"""The layer of each customer: the first rule over features and cuts that is true."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from crm_ml.errors import ConfigError
from crm_ml.layers.cuts import Edges, levels
from crm_ml.layers.settings import LayerSettings
from crm_ml.rules.rule_layers import with_rules

if TYPE_CHECKING:
    import pandas as pd

LAYER = "layer_name"


def layers_of(
    features: "pd.DataFrame", settings: LayerSettings, edges: Mapping[str, Edges]
) -> "pd.DataFrame":
    """Return the layer and the levels of each customer.

    Parameters
    ----------
    features : pandas.DataFrame, shape (n, k)
        Of `crm_ml.features.matrix`, indexed by customer_id.
    settings : LayerSettings
    edges : mapping of str to Edges
        Of each cut.

    Returns
    -------
    pandas.DataFrame, shape (n, 1 + cuts)
        Indexed like `features`: layer_name, and the level of each cut as ``layer_<cut>``, 1 for the worst and
        NaN where its feature is null.

    Raises
    ------
    ConfigError
        With a line for every rule that does not fit the features.
    """
    import pandas as pd

    cut_levels = {
        f"layer_{name}": levels(features[cut.column], edges[name].values, cut.best)
        for name, cut in settings.cuts.items()
    }
    frame = pd.concat([features, pd.DataFrame(cut_levels, index=features.index)], axis=1)
    rules = {f"is_{name}": rule for name, rule in settings.layers.items()}
    try:
        rows, _ = with_rules(nw.from_native(frame.reset_index(drop=True)).lazy(), rules)
    except ConfigError as error:
        raise ConfigError(f"layers do not fit the features\n{error}") from None
    true = rows.select(*rules).collect().to_numpy().astype(bool)
    first = np.where(true.any(axis=1), true.argmax(axis=1), len(rules))
    names = np.array(settings.order, dtype=object)[first]
    return pd.DataFrame({LAYER: names, **cut_levels}, index=features.index)
