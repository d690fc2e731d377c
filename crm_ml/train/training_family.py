"""What the training of a family is made of, and how it is found by its name."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from crm_ml.config.run import GROUP
from crm_ml.errors import ConfigError
from crm_ml.plugins import imported, installed

if TYPE_CHECKING:
    from rich.progress import Progress

    from crm_ml.tables import Tables
    from crm_ml.train.record.outcome import Outcome


def _no_effect(_details: Mapping[str, Any]) -> list[str]:
    return ["It predicts what happens, not what an action changes; it is no measure of an effect."]


@dataclass(frozen=True)
class Card:
    """What the model cards of a family say of it.

    Parameters
    ----------
    predicts : str
        What the model says of a customer, without an article of its own sentence.
    limits : callable
        Details of the model's manifest to lines that say what it must not be trusted with.
    """

    predicts: str
    limits: Callable[[Mapping[str, Any]], Sequence[str]] = _no_effect


class TrainingFamily(Protocol):
    """The training of a family: a package here, or the module ``training`` of a package of one's own.

    Parameters
    ----------
    CARD : Card
    MODELS : mapping of str to callable
        What makes a model, by the name that a config gives it: of a part with ``name`` and ``options`` that
        name, of a part with ``options`` alone its key.
    """

    CARD: Card
    MODELS: Mapping[str, Callable[..., Any]]

    @staticmethod
    def execute(config: Any, tables: "Tables", progress: "Progress", studies: Path | None) -> "Outcome":
        """Run the experiment of a config; `studies` is where the trials of a search are retained."""
        ...


def training_family(family: str) -> TrainingFamily:
    """Return the training of a family.

    Raises
    ------
    ConfigError
        If there is none of this name, or it can't be imported or lacks what a `TrainingFamily` has.
    """
    own = installed(GROUP).get(family)
    if own is not None:
        where = f"entry point {family} of {GROUP}"
        module = imported(f"{own.value}.training", where)
        lacking = [name for name in ("CARD", "MODELS", "execute") if not hasattr(module, name)]
        if lacking:
            raise ConfigError(f"{where}: {module.__name__} has no {', '.join(lacking)}")
    else:
        name = f"crm_ml.train.families.{family}"
        if importlib.util.find_spec(name) is None:
            raise ConfigError(f"{family!r} is no family that can be trained")
        module = importlib.import_module(name)
    return cast("TrainingFamily", module)
