"""The config of a churn experiment."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from crm_ml.config.parts import Groups
from crm_ml.config.probability import SampledRun, SnapshotTarget
from crm_ml.config.split import SnapshotSplit
from crm_ml.models.relationship_ends import NoOrder, Renewal, Silence
from crm_ml.models.relationship_protocol import End


def _absent(value: object) -> bool:
    return value is None


class ChurnTarget(SnapshotTarget):
    """Who of the active customers leaves: by default without an order in the horizon.

    Parameters
    ----------
    horizon_days, gap_days, active_within_days, purpose
        See `SnapshotTarget`.
    silence : Silence, optional
        To leave is to make no event of these kinds in the horizon; active is who made one within
        ``active_within_days``.
    renewal : Renewal, optional
        To leave is to renew no course or subscription that ends in the horizon; active is whose term began
        within ``active_within_days``.
    """

    silence: Annotated[Silence | None, Field(exclude_if=_absent)] = None
    renewal: Annotated[Renewal | None, Field(exclude_if=_absent)] = None

    @property
    def end(self) -> End:
        """What it is to leave."""
        return self.silence or self.renewal or NoOrder()

    @property
    def predicts(self) -> str:
        """What a model says of a customer, for its card."""
        return f"the probability that an active customer {self.end.words}"

    @property
    def of_events(self) -> dict[str, Any]:
        """Entry ``target`` of a manifest: the end where it is one of events, and nothing of orders."""
        content = self.model_dump(mode="json", include={"silence", "renewal"})
        return {"target": content} if content else {}

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.silence is not None and self.renewal is not None:
            raise ValueError("silence and renewal are two targets; give one of them")
        if self.renewal is not None and self.renewal.grace_days >= self.horizon_days:
            raise ValueError(
                f"horizon_days {self.horizon_days} has room for the ends and the {self.renewal.grace_days} "
                "days of grace after them; make it longer"
            )
        return self


class ChurnRun(SampledRun):
    """A churn experiment: one file of ``configs/churn/``; parameters beside those of every probability.

    Parameters
    ----------
    family : "churn"
    target, split
        See the model of each.
    """

    family: Literal["churn"]
    target: ChurnTarget
    split: SnapshotSplit

    @property
    def needed_groups(self) -> Groups:
        """Feature groups that its end needs."""
        return self.target.end.groups


RUN = ChurnRun
