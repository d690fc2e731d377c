"""One run of a membership: standing of all members on a day, and liability of their points, as files."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from crm_ml.config.loading import load
from crm_ml.config.parts import Data
from crm_ml.errors import ConfigError, InputError
from crm_ml.evaluation.significance import Interval
from crm_ml.membership.liability import Liability, liability
from crm_ml.membership.membership_page import page_of
from crm_ml.membership.next_tier import NextTier, next_tier
from crm_ml.membership.point_lots import balances, lots_of
from crm_ml.membership.standing import standing
from crm_ml.membership.tier_rules import TierRules
from crm_ml.storage import parquet
from crm_ml.storage.day_folders import add_day
from crm_ml.storage.paths import configs_folder, data_folder, inside, project_root
from crm_ml.tables.strict import Strict

if TYPE_CHECKING:
    import pandas as pd

MEMBERS, FIGURES, PAGE = "members.parquet", "membership.json", "page.html"


class Points(Strict):
    """A ledger of points.

    Parameters
    ----------
    ledger : str
        Parquet or CSV file inside the project with customer_id, at and points: above 0 earned, below 0 spent.
    life_days : int
        Points can be spent until so many days after they were earned.
    cents_per_point : float
        What a point costs when it is spent, in minor units of money.
    """

    ledger: str
    life_days: Annotated[int, Field(ge=1, le=36_500)]
    cents_per_point: Annotated[float, Field(gt=0)]


class Membership(TierRules):
    """A programme with its tables; parameters beside those of `TierRules`.

    Parameters
    ----------
    data : Data
    as_of : date, optional
        Day of the standing; the command line may give it instead. Never the clock.
    chance : bool
        Whether the probability of the next tier is learned; it takes three earlier periods.
    points : Points, optional
    """

    data: Data
    as_of: Annotated[date, Field(strict=False)] | None = None
    chance: bool = True
    points: Points | None = None


@dataclass(frozen=True, eq=False)
class MembershipOfADay:
    """What a run has made.

    Parameters
    ----------
    members : pandas.DataFrame
        The standing of each member, with ``member_p_next`` and points where they are known.
    chance : NextTier or None
    liability : Liability or None
    folder : Path
    """

    members: "pd.DataFrame"
    chance: NextTier | None
    liability: Liability | None
    folder: Path

    @property
    def facts(self) -> dict[str, Any]:
        """Members by tier, the verdict on the probability, and the points."""
        return _figures(self.members, self.chance, self.liability)

    @property
    def intervals(self) -> dict[str, Interval]:
        """Log-loss of the chance of the next tier, and points that will be spent, where there are any."""
        found = {} if self.chance is None else {f"next_tier.{k}": v for k, v in self.chance.log_loss.items()}
        return found if self.liability is None else found | {"points.redeemed": self.liability.redeemed}


def load_membership(name: str, overrides: Sequence[str] = ()) -> Membership:
    """Read ``configs/<name>.yaml``, such as ``membership/simulated`` (`ConfigError` with what is wrong)."""
    path = inside(configs_folder(), f"{name.removesuffix('.yaml').removeprefix('configs/')}.yaml")
    return load(path, Membership, overrides)


def run(settings: Membership, name: str, out: Path | None = None) -> MembershipOfADay:
    """Publish the standing of all members on a day.

    Parameters
    ----------
    settings : Membership
    name : str
        Of the programme.
    out : Path, optional
        ``membership`` in the data folder without it; the files lie in ``<name>/<day>-<id>`` of it.

    Raises
    ------
    ConfigError
        If no day is given.
    InputError
        As `next_tier`, `lots_of` and `liability`.
    """
    from crm_ml import datasets

    if settings.as_of is None:
        raise ConfigError("as_of: give the day of the standing as --as-of YYYY-MM-DD or in the configuration")
    as_of = settings.as_of
    tables = datasets.load(settings.data.name, settings.data.path, **settings.data.options)
    members = standing(tables, settings, as_of)
    chance = next_tier(tables, settings, as_of) if settings.chance else None
    if chance is not None:
        members = members.join(chance.frame)
    owed = None
    if settings.points is not None:
        lots = lots_of(_ledger(settings.points, as_of), settings.points.life_days)
        members = members.join(balances(lots, as_of).add_prefix("points_"))
        owed = liability(lots, as_of, settings.points.cents_per_point)
    folder = _publish(settings, members, chance, owed, (out or data_folder() / "membership") / name)
    return MembershipOfADay(members, chance, owed, folder)


def _ledger(points: Points, as_of: date) -> "pd.DataFrame":
    import pandas as pd

    path = inside(project_root(), points.ledger)
    if not path.is_file():
        raise InputError(f"{points.ledger}: no such ledger of points")
    frame = (
        pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype={"customer_id": str})
    )
    if "at" in frame:
        frame = frame[pd.to_datetime(frame["at"], utc=True) < pd.Timestamp(as_of, tz="UTC")]
    return frame


def _publish(
    settings: Membership,
    members: "pd.DataFrame",
    chance: NextTier | None,
    owed: Liability | None,
    parent: Path,
) -> Path:
    import pyarrow as pa

    def fill(inner: Path) -> None:
        table = pa.Table.from_pandas(members.reset_index(), preserve_index=False).replace_schema_metadata(
            None
        )
        parquet.write([table], table.schema, inner / MEMBERS)
        figures = json.dumps(_figures(members, chance, owed), indent=1)
        (inner / FIGURES).write_text(figures + "\n", encoding="utf-8")
        (inner / PAGE).write_text(page_of(settings, members, chance, owed), encoding="utf-8")

    assert settings.as_of is not None
    return add_day(parent, settings.as_of, fill, columns=list(members))


def _figures(members: "pd.DataFrame", chance: NextTier | None, owed: Liability | None) -> dict[str, Any]:
    figures: dict[str, Any] = {"members": members["member_tier"].value_counts().sort_index().to_dict()}
    if chance is not None:
        log_loss = {name: asdict(end) for name, end in chance.log_loss.items()}
        figures["next_tier"] = {"by_model": chance.by_model, "judged": chance.judged, "log_loss": log_loss}
    if owed is not None:
        figures["points"] = {
            "outstanding": owed.outstanding,
            "redeemed": asdict(owed.redeemed),
            "cost_cents": asdict(owed.cost_cents),
            "breakage": owed.breakage.round(6).to_dict(orient="list"),
        }
    return figures
