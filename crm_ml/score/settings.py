"""Settings of a scoring run: one file of ``configs/score/``."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from crm_ml.config import Data
from crm_ml.errors import ConfigError
from crm_ml.paths import data_folder, inside, project_root
from crm_ml.score.catalog import Catalog, Name
from crm_ml.score.reading import identity
from crm_ml.tables.strict import Strict

LIST_FORMAT = 2
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
    daily_cap: Annotated[int, Field(ge=1)] | None = None
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
        """Hash what decides: name, catalogue, cap, consent and the format of lists."""
        decides = {
            "catalog": catalog.model_dump(mode="json"),
            "consent": self.consent,
            "daily_cap": self.daily_cap,
            "list_format": LIST_FORMAT,
            "name": self.name,
        }
        return identity(decides)
