"""Settings of a scoring run: one file of ``configs/score/``."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from crm_ml.config import load
from crm_ml.config.score_data import ScoreData
from crm_ml.decision.list_policy import ListPolicy
from crm_ml.errors import ConfigError, InputError
from crm_ml.next_steps import without_list
from crm_ml.parts.part_number import check_parts
from crm_ml.parts.workers import MOST_WORKERS
from crm_ml.storage.group_access import Group, group_of
from crm_ml.storage.paths import check_writable, configs_folder, data_folder, inside, project_root
from crm_ml.tables.strict import Strict

if TYPE_CHECKING:
    from crm_ml.score_tables.champion_set import Champions

_FAMILY_OF = {
    "model": "churn",
    "value_model": "clv",
    "response_model": "propensity",
    "uplift_model": "uplift",
    "item_model": "recommend",
}  # keys before 0.7
_DEFAULT: dict[str, str | None] = {"churn": "churn@champion"}
Registered = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*@[a-z][a-z0-9_-]*$")]


class LayersOfList(Strict):
    """Published layers whose columns the rules of actions may name.

    Parameters
    ----------
    folder : str
        Of all days of a name, inside the project, such as ``data/layers/grocer``; the newest counts.
    max_age_days : int
        Days before the list that they may be of.
    """

    folder: str
    max_age_days: Annotated[int, Field(ge=0, le=366)] = 0


class TagsOfList(Strict):
    """Published tags that the rules of actions may name as ``tag_<name>``.

    Parameters
    ----------
    folder : str
        Of all days of a catalogue, inside the project, such as ``data/tags/grocer``; the newest counts.
    names : tuple of str
        Tags that rules may name; all of the catalogue without any.
    max_age_days : int
        Days before the list that they may be of.
    """

    folder: str
    names: Annotated[tuple[str, ...], Field(strict=False)] = ()
    max_age_days: Annotated[int, Field(ge=0, le=366)] = 0


class ScoreSettings(ListPolicy):
    """One scoring run; parameters beside those of the policy.

    Parameters
    ----------
    data : ScoreData
        Tables that are scored, and the engine that works on their parts.
    models : mapping of str to str
        Family to its registered model, ``<name>@<alias>``, such as ``{churn: churn@champion}``; null for
        none. What no model gives is null in the list, and an action that needs it is refused.
    layers : LayersOfList, optional
        Layers that ``python -m crm_ml.layers`` has published.
    tags : TagsOfList, optional
        Tags that ``python -m crm_ml.tags`` has published.
    as_of : date, optional
        Day of the list; the command line may give it instead. Never the clock.
    actions : str
        Action catalogue, a path inside the project.
    out : str, optional
        Folder of the lists, inside the project; ``lists`` in the data folder without it.
    work : str, optional
        Folder of feature and score tables, inside the project; ``scores`` in the data folder without it.
    group : str, optional
        Group of the machine that may read the list, such as that of a campaign tool; without it the list is
        its owner's alone. It changes nothing in the list.
    parts : int, optional
        Parts that the customers are dealt into, a power of two, each of which is worked on alone; without it
        as many as memory asks for. It changes nothing in the list.
    workers : int
        Processes that work on parts at the same time. It changes nothing in the list.
    """

    data: ScoreData
    models: Mapping[str, Registered | None] = Field(default_factory=_DEFAULT.copy)
    layers: LayersOfList | None = None
    tags: TagsOfList | None = None
    as_of: date | None = None
    actions: str
    out: str | None = None
    work: str | None = None
    group: str | None = None
    parts: Annotated[int, AfterValidator(check_parts)] | None = None
    workers: Annotated[int, Field(ge=1, le=MOST_WORKERS)] = 1

    @model_validator(mode="before")
    @classmethod
    def _named_by_family(cls, content: Any) -> Any:
        old = [key for key in _FAMILY_OF if isinstance(content, dict) and key in content]
        if old:
            present = content.get("models")
            models = dict(present if isinstance(present, dict) else _DEFAULT)
            models |= {_FAMILY_OF[key]: content[key] for key in old}
            named = ", ".join(f"{family}: {model or 'null'}" for family, model in models.items())
            raise ValueError(f"{', '.join(old)}: models are named by their family now: models: {{{named}}}")
        return content

    @property
    def day(self) -> date:
        """Day of the list.

        Raises
        ------
        ConfigError
            If it is not given.
        """
        if self.as_of is None:
            raise ConfigError("as_of: give the day of the list as --as-of YYYY-MM-DD or in the configuration")
        return self.as_of

    def with_published(self, models: "Champions", defined: Collection[str] = ()) -> "Champions":
        """Return the models of a list with its published layers and tags beside them, if it has any.

        Parameters
        ----------
        models : Champions
        defined : collection of str
            Tags that the catalogue of actions defines itself.

        Raises
        ------
        ConfigError
            If a published tag has the name of one of these.
        InputError
            If there are none, or they are of a later day or too old.
        IntegrityError
            If their files have changed.
        """
        from crm_ml.score_tables.layer_table import layer_source
        from crm_ml.score_tables.tag_table import tag_source

        sources = list(models.sources)
        if self.layers is not None:
            folder = inside(project_root(), self.layers.folder)
            sources.append(layer_source(folder, self.day, self.layers.max_age_days))
        if self.tags is not None:
            folder = inside(project_root(), self.tags.folder)
            source = tag_source(folder, self.day, self.tags.names, self.tags.max_age_days)
            twice = sorted(set(source.names) & set(defined))
            if twice:
                raise ConfigError(
                    f"tags: {', '.join(twice)} stand in the catalogue of actions too; rename them"
                )
            sources.append(source)
        return replace(models, sources=sources)

    @property
    def out_folder(self) -> Path:
        """Folder of all lists.

        Raises
        ------
        ConfigError
            If it lies outside the project.
        """
        return inside(project_root(), self.out) if self.out else data_folder() / "lists"

    @property
    def work_folder(self) -> Path:
        """Folder of the feature and score tables; raises as `out_folder`."""
        return inside(project_root(), self.work) if self.work else data_folder() / "scores"


def open_lists(settings: ScoreSettings, out: Path | None = None) -> tuple[Path, Group | None]:
    """Return the folder of all lists of the name, and the group that may read them.

    Where there is a group the folder is made here, so that its parents let the group pass.

    Raises
    ------
    ConfigError
        If the group can't be given a list, or the folder lies outside the project.
    InputError
        If the folder can't be made or written.
    """
    target, group = (out or settings.out_folder) / settings.name, group_of(settings.group)
    check_writable(target)
    if group:
        try:
            group.make_folder(target)
        except OSError as error:
            raise InputError(
                f"{target}: can't be made for the group {group.name} ({error.strerror})"
            ) from error
    return target, group


def settings_of(config: str, overrides: Sequence[str] = ()) -> ScoreSettings:
    """Read the settings of a scoring run as the command line names them.

    Parameters
    ----------
    config : str
        Path under ``configs/``, with or without this and ``.yaml``.
    overrides : sequence of str
        Such as ``"daily_cap=100"``.

    Raises
    ------
    ConfigError
        If there is no such file inside the project, or it is wrong.
    """
    configs, name = configs_folder(), config.removeprefix("configs/").removesuffix(".yaml")
    path = inside(configs, f"{name}.yaml")
    if not path.is_file():
        known = sorted(f"score/{file.stem}" for file in configs.glob("score/*.yaml"))
        raise ConfigError(without_list(name, known))
    return load(path, ScoreSettings, overrides)
