"""The scorer that settings declare."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.errors import InputError
from crm_ml.identity.fellegi_sunter import FellegiSunter
from crm_ml.identity.profile_table import as_table
from crm_ml.identity.scorer import Scorer
from crm_ml.identity.settings import ScorerSettings
from crm_ml.tables.sources import inside

if TYPE_CHECKING:
    import pandas as pd

_LABELS = ("left", "right", "same")
_YES, _NO = ("true", "1"), ("false", "0")


def configured_scorer(settings: ScorerSettings | None, root: Path) -> Scorer | None:
    """Return the scorer that settings declare, None where they declare none.

    Parameters
    ----------
    settings : ScorerSettings, optional
    root : Path
        Folder that paths are relative to and must stay in.

    Raises
    ------
    ConfigError
        If Splink is wanted and not installed.
    InputError
        If the file of labelled pairs can't be read, or lacks a column.
    """
    if settings is None:
        return None
    labelled = (
        None if settings.labelled is None else _labelled(inside(root, settings.labelled, must_exist=True))
    )
    if settings.kind == "splink":
        from crm_ml.identity.splink_scorer import SplinkScorer

        return SplinkScorer(settings.comparisons, settings.blocks, labelled=labelled)
    return FellegiSunter(settings.comparisons, settings.blocks, settings.block_cap, labelled=labelled)


def _labelled(path: Path) -> "pd.DataFrame":
    frame: pd.DataFrame = as_table(path).to_pandas()
    if absent := sorted(set(_LABELS) - set(frame.columns)):
        raise InputError(f"{path}: there is no column {', '.join(absent)}; give {', '.join(_LABELS)}")
    same = frame["same"].astype("str").str.lower()
    if wrong := int((~same.isin((*_YES, *_NO))).sum()):
        raise InputError(f"{path}: same is neither true nor false in {wrong:,} of {len(frame):,} rows")
    ids = {name: frame[name].astype("str") for name in ("left", "right")}
    return frame.assign(**ids, same=same.isin(_YES).astype(np.int64))
