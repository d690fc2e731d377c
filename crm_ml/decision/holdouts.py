"""Hold-outs: customers without any action, or without one of them, to measure the effect on the others.

A customer's arm is a keyed hash of the customer_id: it depends on the salt and on nothing else, so a customer
stays in the arm for as long as the salt stays, whatever else changes. Shares are settings, not results of a
run: a share sized by power asks for a stated number of customers.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from crm_ml.actions.field_types import Name
from crm_ml.customer_hash import uniform
from crm_ml.errors import ConfigError
from crm_ml.score_tables.score_rows import chunks
from crm_ml.tables.strict import Strict

if TYPE_CHECKING:
    import pyarrow as pa

Share = Annotated[float, Field(gt=0, le=0.5, allow_inf_nan=False)]
Salt = Annotated[str, Field(min_length=4, max_length=100)]


class Power(Strict):
    """The effect that a hold-out has to be able to find.

    Parameters
    ----------
    customers : int
        How many will be drawn, stated: the share must not follow the size of today's list.
    smallest_effect : float
        Difference of means that is significant with probability `power`.
    sd : float
        Standard deviation of the outcome between customers; ``sqrt(p (1 - p))`` for a rate p.
    power : float
        Probability that an effect of `smallest_effect` is significant.
    alpha : float
        Two-sided level of the test.
    """

    customers: Annotated[int, Field(ge=4)]
    smallest_effect: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    sd: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    power: Annotated[float, Field(gt=0.5, lt=1)] = 0.8
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05

    @property
    def share(self) -> float:
        """Smallest share in control that is enough.

        The difference of means has variance ``sd^2 / (n s (1 - s))``; it must not exceed
        ``(effect / (z_{1 - alpha/2} + z_power))^2`` [1]_.

        Raises
        ------
        ConfigError
            If even half of the customers are too few.

        References
        ----------
        .. [1] Cohen (1988). Statistical power analysis for the behavioral sciences, 2nd ed., section 2.4.

        Examples
        --------
        >>> round(Power(customers=100_000, smallest_effect=0.01, sd=0.3).share, 4)
        0.0765
        """
        normal = NormalDist()
        z = normal.inv_cdf(1 - self.alpha / 2) + normal.inv_cdf(self.power)
        wanted = (z * self.sd / self.smallest_effect) ** 2 / self.customers
        if wanted > 0.25:
            raise ConfigError(
                f"hold_out: an effect of {self.smallest_effect:g} needs "
                f"{math.ceil(4 * wanted * self.customers):,} customers, half of them in control; "
                f"there are {self.customers:,}"
            )
        return (1 - math.sqrt(1 - 4 * wanted)) / 2


class HoldOut(Strict):
    """Who is held out.

    Parameters
    ----------
    salt : str
        Another salt draws other arms.
    universal : float or Power, optional
        Share of customers in no list at all.
    actions : mapping of str to float or Power
        Share of customers that never get an action, by action_id.
    """

    salt: Salt
    universal: Share | Power | None = None
    actions: Mapping[Name, Share | Power] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _enough(self) -> "HoldOut":
        try:
            self.shares()
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return self

    def shares(self) -> tuple[float, dict[str, float]]:
        """Return the universal share and that of each action."""
        shares = {name: _share(size) for name, size in self.actions.items()}
        return 0.0 if self.universal is None else _share(self.universal), shares

    def unknown(self, action_ids: Collection[str]) -> list[str]:
        """Name the actions that are held out but are not among those of a catalogue."""
        return sorted(set(self.actions) - set(action_ids))


def held(customers: Sequence[str], hold_out: HoldOut, action_id: str | None = None) -> npt.NDArray[np.bool_]:
    """Say which customers are in control: of everything, or of one action.

    Parameters
    ----------
    customers : sequence of str
    hold_out : HoldOut
    action_id : str, optional
        None for the universal hold-out.

    Examples
    --------
    >>> rules = HoldOut(salt="spring", universal=0.5)
    >>> held(["a", "b", "c", "d", "e", "f"], rules).tolist()
    [False, True, True, False, True, True]
    """
    universal, shares = hold_out.shares()
    share = universal if action_id is None else shares.get(action_id, 0.0)
    if not share:
        return np.zeros(len(customers), dtype=np.bool_)
    what = "universal" if action_id is None else f"action {action_id}"
    return uniform(customers, hold_out.salt, what) < share


def write_held(customers: Path, action_ids: Sequence[str], hold_out: HoldOut, path: Path) -> None:
    """Write who is held out: customer_id, universal and ``held_i`` for action number i (Parquet).

    Parameters
    ----------
    customers : Path
        Parquet with customer_id.
    action_ids : sequence of str
        The action of each action-channel; all channels of an action share its control group.
    hold_out : HoldOut
    path : Path
    """
    import pyarrow as pa

    from crm_ml.storage import parquet

    columns = {f"held_{number}": pa.bool_() for number in range(len(action_ids))}
    schema = pa.schema({"customer_id": pa.string(), "universal": pa.bool_(), **columns})

    def arms(chunk: "pa.Table") -> "pa.Table":
        ids = chunk["customer_id"].cast(pa.string())
        names = ids.to_pylist()
        everything = held(names, hold_out)
        of_action = {action_id: held(names, hold_out, action_id) for action_id in set(action_ids)}
        columns = [everything | of_action[action_id] for action_id in action_ids]
        return pa.table([ids, everything, *columns], schema=schema)

    pieces: Iterator[Any] = chunks(customers, arms)
    parquet.write(pieces, schema, path)


def _share(size: "float | Power") -> float:
    return size.share if isinstance(size, Power) else size
