"""Settings of a scoring run: one file of ``configs/score/``."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from crm_ml.actions.action_parts import Budget, Count, Name
from crm_ml.actions.catalog import Catalog
from crm_ml.config import Data, load
from crm_ml.decision.allocation_limits import check_limits
from crm_ml.decision.exploration import Explore
from crm_ml.decision.holdouts import HoldOut
from crm_ml.errors import ConfigError
from crm_ml.monitoring.drift_limits import Limits
from crm_ml.storage.identity import identity
from crm_ml.storage.paths import data_folder, inside, project_root
from crm_ml.tables.strict import Strict

LIST_FORMAT = 3
_MODELS = ("model", "value_model", "response_model", "uplift_model", "item_model")
Registered = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*@[a-z][a-z0-9_-]*$")]


class ScoreSettings(Strict):
    """One scoring run.

    Parameters
    ----------
    name : str
        Name of the list; its folders stand in ``<out>/<name>/``.
    data : Data
        Tables that are scored.
    model : str, optional
        Registered churn model, ``<name>@<alias>``; null where no action needs one.
    value_model : str, optional
        Registered lifetime-value model, ``<name>@<alias>``; without it ``clv_cents`` is null.
    response_model : str, optional
        Registered propensity model, ``<name>@<alias>``, for actions whose score is p_response.
    uplift_model : str, optional
        Registered uplift model, ``<name>@<alias>``; the arms it is verified for value their actions.
    item_model : str, optional
        Registered recommender, ``<name>@<alias>``, for actions that recommend.
    as_of : date, optional
        Day of the list; the command line may give it instead. Never the clock.
    actions : str
        Action catalogue, a path inside the project.
    consent : {"table", "assumed"}
        ``assumed`` where the tables have no consents; each row of the list says it too.
    daily_cap : int, optional
        At most this many rows in the list.
    channel_caps : mapping of str to int
        At most this many rows by channel.
    budgets : tuple of Budget
        Money for the costs of actions or channels.
    hold_out : HoldOut, optional
        Who is kept from all actions, or from one.
    explore : Explore, optional
        How much is drawn at random.
    past_lists : bool
        Whether the rows of earlier lists of this name count as contacts until their touches are on record.
    drift : Limits
        How far the data may have moved from those of the training.
    out, work : str, optional
        Folders, inside the project, of the lists and of the feature and score tables; ``lists`` and
        ``scores`` in the data folder without them.
    """

    name: Name
    data: Data
    model: Registered | None = "churn@champion"
    value_model: Registered | None = None
    response_model: Registered | None = None
    uplift_model: Registered | None = None
    item_model: Registered | None = None
    as_of: date | None = None
    actions: str
    consent: Literal["table", "assumed"] = "table"
    daily_cap: Count | None = None
    channel_caps: Mapping[Name, Count] = Field(default_factory=dict)
    budgets: Annotated[tuple[Budget, ...], Field(strict=False)] = ()
    hold_out: HoldOut | None = None
    explore: Explore | None = None
    past_lists: bool = True
    drift: Limits = Field(default_factory=Limits)
    out: str | None = None
    work: str | None = None

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

    def policy_hash(self, catalog: Catalog) -> str:
        """Hash what decides: catalogue, limits, hold-outs, consent, name and the format of lists."""
        elsewhere = {"data", "as_of", "actions", "out", "work", *_MODELS}
        decides = self.model_dump(mode="json", exclude=elsewhere)
        return identity({"catalog": catalog.model_dump(mode="json"), "list_format": LIST_FORMAT, **decides})

    def check(self, catalog: Catalog) -> None:
        """Refuse limits and hold-outs of what the catalogue does not have.

        Raises
        ------
        ConfigError
            With all of them.
        """
        check_limits(catalog.actions, self.channel_caps, self.budgets)
        unknown = [] if self.hold_out is None else self.hold_out.unknown(catalog.actions)
        if unknown:
            raise ConfigError(f"hold_out.actions: the catalogue has no action {', '.join(unknown)}")


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
    name = config.removeprefix("configs/").removesuffix(".yaml")
    return load(inside(project_root() / "configs", f"{name}.yaml"), ScoreSettings, overrides)
