"""What a search follows from, and the name of its study."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm_ml.config.parts import Option
from crm_ml.config.tuning import Tuned, Tuning
from crm_ml.plugins import modules_named
from crm_ml.storage.code_version import code_version
from crm_ml.storage.identity import identity


@dataclass(frozen=True)
class SearchPlan:
    """A search that is about to start.

    Parameters
    ----------
    tuning : Tuning
    start : mapping of str to value
        Value of each tuned option without a search.
    seed : int
    larger : bool
        Whether a larger score is better.
    """

    tuning: Tuning
    start: Mapping[str, Option]
    seed: int
    larger: bool

    @staticmethod
    def of(config: Tuned) -> "SearchPlan":
        """Return the plan of a config that has a search."""
        assert config.tuning is not None
        start = {name: config.start(name) for name in config.tuning.space}
        return SearchPlan(config.tuning, start, config.seed, metric_of(config) not in ("log_loss", "brier"))

    def gain(self, start: float, tuned: float) -> float:
        """Return by how much a score is better than another, above 0 where it is."""
        return tuned - start if self.larger else start - tuned


def metric_of(config: Tuned) -> str:
    """Return the metric that the search of a config goes by."""
    assert config.tuning is not None
    return config.tuning.metric or config.tunable_metrics()[0]


def study_name(content: Mapping[str, Any], data: str) -> str:
    """Return the name under which the trials of a config are kept: all that a trial follows from.

    That is the config without the number of trials, the content of the tables and the version of the code,
    so that trials of other code are never taken for this one's.

    Parameters
    ----------
    content : mapping
        Plain dump of the config.
    data : str
        Fingerprint of the tables.
    """
    from crm_ml.train.record.parameters import resolved

    full = resolved(content)
    full["data"] = {key: value for key, value in full["data"].items() if key != "path"}
    full["tuning"] = {key: value for key, value in full["tuning"].items() if key != "trials"}
    code = code_version("crm_ml.train", *sorted(modules_named(full)))
    return identity([full, data, code])[:16]
