"""The models of a list: fitted here, saved in a folder, or registered."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from crm_ml import tracking
from crm_ml.errors import ConfigError, LeakError, Mistakes
from crm_ml.front.fitted_model import FittedModel, load_model
from crm_ml.score_tables.champion_set import Champions, source_of
from crm_ml.score_tables.source import Source
from crm_ml.snapshots import check_scored_after
from crm_ml.storage.manifest import MANIFEST, verify

Model = FittedModel | Source | str | Path
_REGISTERED = re.compile(r"[a-z][a-z0-9_-]*@[a-z][a-z0-9_-]*")


@dataclass(frozen=True, eq=False)
class ListModels:
    """The models of a list.

    Parameters
    ----------
    champions : Champions
    notes : tuple of str
        Which of them fail their gates.
    leaks : tuple of LeakError
        Which of them know labels of after the day of the list.
    """

    champions: Champions
    notes: tuple[str, ...]
    leaks: tuple[LeakError, ...]


def models_of(models: "Model | Sequence[Model]", day: date | None) -> ListModels:
    """Return the sources of some models, in the order of their families; leaks are of a day alone.

    Raises
    ------
    CrmError
        If one can't be loaded, or two are of one family; `ConfigError` with all, where there are several.
    """
    mistakes, loaded, notes, leaks = Mistakes(), list[Source](), list[str](), list[LeakError]()
    several = isinstance(models, Iterable) and not isinstance(models, str | Mapping)
    every: Iterable[Any] = models if several else [models]  # type: ignore[assignment]
    for model in every:
        with mistakes.noted():
            source = _loaded(model)
            loaded.append(source)
            if isinstance(model, FittedModel) and not model.holds:
                failing = "; ".join(gate.name for gate in model.gates if not gate.passed)
                notes.append(f"{model.name} fails gates ({failing}); a nightly list takes champions alone")
            try:
                if day is not None and source.labels_end:
                    check_scored_after(source.labels_end, day, source.name)
            except LeakError as error:
                leaks.append(error)
    families = Counter(source.family for source in loaded)
    with mistakes.noted():
        if repeated := [family for family, number in families.items() if number > 1]:
            raise ConfigError(f"models: more than one of {', '.join(repeated)}; a list has one of a family")
    mistakes.refuse("models")
    ordered = sorted(loaded, key=lambda source: source.family)
    return ListModels(Champions(ordered), tuple(notes), tuple(leaks))


def _loaded(model: Model) -> Source:
    """Return the source of a model."""
    if isinstance(model, Source):
        return model
    if isinstance(model, FittedModel):
        return model.source()
    if isinstance(model, str) and _REGISTERED.fullmatch(model):
        version = tracking.champion(*model.split("@"))
    elif isinstance(model, str | Path):
        folder = Path(model)
        if not (folder / MANIFEST).is_file():
            raise ConfigError(
                f"models: {model} is no folder of a model, nor a registered one such as churn@champion; give "
                "what crm_ml.fit returns, or the folder that its .save wrote"
            )
        if (folder / "model" / MANIFEST).is_file():
            return _loaded(load_model(folder))
        version = tracking.ModelVersion.in_folder(str(verify(folder).get("family")), "", folder)
    else:
        raise ConfigError(
            f"models: {type(model).__name__} is no model; give what crm_ml.fit returns, several in a list"
        )
    return source_of(version, str(version.details.get("family")), str(model))
