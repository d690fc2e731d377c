"""Settings of layers: one file of ``configs/layers/``."""

from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from crm_ml.actions.field_types import Name, Rule, TagName
from crm_ml.config.parts import Data, Features, Options
from crm_ml.tables.strict import Strict

Levels = Annotated[int, Field(ge=2, le=10)]
Positive = Annotated[int, Field(ge=1, le=3_650)]


def _ascending(edges: tuple[float, ...]) -> tuple[float, ...]:
    if any(low >= high for low, high in pairwise(edges)):
        raise ValueError(f"edges must ascend, each once, not {', '.join(map(str, edges))}")
    return edges


EdgeValues = Annotated[tuple[float, ...], Field(strict=False, min_length=1), AfterValidator(_ascending)]


class Cut(Strict):
    """A feature cut into levels: 1 is the worst; the column of the levels is ``layer_<name of the cut>``.

    Parameters
    ----------
    column : str
        A feature that is a number. Where it is null, so is the level.
    edges : tuple of float, optional
        Declared, ascending, in the unit of the feature; a value at an edge lies above it.
    parts : int, optional
        In place of `edges`: so many levels of equal size, by the data of the day on which they are learned.
    best : {"high", "low"}
        Which end of the feature is the best level.
    among : str, optional
        Rule that says of whom `parts` are learned, such as ``"rfm_orders_180d > 0"``.
    """

    column: str
    edges: EdgeValues | None = None
    parts: Levels | None = None
    best: Literal["high", "low"] = "high"
    among: Rule | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.edges is None) == (self.parts is None):
            raise ValueError("give either edges, or parts to learn them from data")
        if self.among and self.edges:
            raise ValueError("among belongs to parts; edges that are declared hold for all")
        return self


class Value(Strict):
    """What a customer is worth, in minor units: lifetime value of models fitted to the past of the day.

    Parameters
    ----------
    horizon_days : int
        Days ahead whose purchases count.
    margin : float
        Share of the spend that is earned.
    annual_discount_rate : float
        0.1 makes a sum a year ahead worth 1 / 1.1 of it today.
    column : str, optional
        A feature in minor units that stands for the value in place of a model, such as
        ``rfm_paid_cents_365d``.
    """

    horizon_days: Positive = 365
    margin: Annotated[float, Field(gt=0, le=1)] = 1.0
    annual_discount_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    column: str | None = None


class Tiers(Strict):
    """Tiers of the value, with hysteresis so that nobody flickers at an edge.

    Parameters
    ----------
    names : tuple of str
        The lowest first.
    edges_cents : tuple of float, optional
        Values at which the next tier begins; one fewer than `names`.
    shares : tuple of float, optional
        In place of them: shares of the customers with a value above 0 in each tier, which sum to 1; the edges
        are learned and kept as those of a `Cut`.
    hysteresis : float
        A customer rises at ``edge * (1 + hysteresis)`` and falls below ``edge * (1 - hysteresis)``.
    """

    names: Annotated[tuple[TagName, ...], Field(strict=False, min_length=2, max_length=10)]
    edges_cents: EdgeValues | None = None
    shares: Annotated[tuple[float, ...], Field(strict=False)] | None = None
    hysteresis: Annotated[float, Field(ge=0, lt=1)] = 0.1

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.edges_cents is None) == (self.shares is None):
            raise ValueError("give either edges_cents or shares")
        if self.edges_cents and (len(self.edges_cents) != len(self.names) - 1 or self.edges_cents[0] <= 0):
            raise ValueError(f"edges_cents: {len(self.names)} tiers have {len(self.names) - 1} edges above 0")
        if self.shares and (
            len(self.shares) != len(self.names) or min(self.shares) <= 0 or abs(sum(self.shares) - 1) > 1e-9
        ):
            raise ValueError("shares: give one above 0 for each tier; they sum to 1")
        return self


class MoveSettings(Strict):
    """How moves are counted and predicted.

    Parameters
    ----------
    horizon_days : int
        A customer has moved where the layer is another one after so many days.
    every_days : int
        Distance of the days that are compared, and of the previous day where none is given.
    train_days : int
        Days of the past that train the model.
    test_days : int
        Later days on which it is judged once.
    model : str
        Of `crm_ml.models`.
    options : mapping
        Its parameters.
    replicates : int
        Of the bootstrap of customers.
    seed : int
        Of the drawing of customers.
    """

    horizon_days: Positive = 28
    every_days: Positive = 7
    train_days: Annotated[int, Field(ge=1, le=200)] = 8
    test_days: Annotated[int, Field(ge=1, le=200)] = 4
    model: str = "blend"
    options: Options = Field(default_factory=dict)
    replicates: Annotated[int, Field(ge=100, le=10_000)] = 1000
    seed: int = 0


class LayerSettings(Strict):
    """Layers of a shop.

    Parameters
    ----------
    name : str
        Of the folder of all days.
    data : Data
        Tables of the shop.
    as_of : date, optional
        Day of the layers; the command line may give it instead. Never the clock.
    features : mapping of str to options, optional
        Feature groups that cuts and rules read; all that need no options by default.
    cuts : mapping of str to Cut
        Name to the feature that is cut; rules name the levels as ``layer_<name>``.
    layers : mapping of str to str
        Name to rule over features and cuts, the best layer first; a customer is in the first whose rule is
        true. A rule may name another as ``is_<name>``.
    otherwise : str
        Layer of all others, the lowest.
    value : Value
        What a customer is worth, which tiers and moves down are told by.
    tiers : Tiers, optional
        Tiers of the value; none without it.
    tolerance : float
        Edges from data stay until the share of a level is further than this from what it was when they were
        learned.
    moves : MoveSettings
        How moves are counted and predicted.
    out : str, optional
        Folder of all layers, inside the project; ``layers`` in the data folder without it.
    """

    name: Name
    data: Data
    as_of: Annotated[date, Field(strict=False)] | None = None
    features: Features | None = None
    cuts: dict[TagName, Cut] = Field(default_factory=dict)
    layers: Annotated[dict[TagName, Rule], Field(min_length=1, max_length=50)]
    otherwise: TagName = "others"
    value: Value = Field(default_factory=Value)
    tiers: Tiers | None = None
    tolerance: Annotated[float, Field(ge=0, le=1)] = 0.05
    moves: MoveSettings = Field(default_factory=MoveSettings)
    out: str | None = None

    @property
    def order(self) -> tuple[str, ...]:
        """Names of the layers, the best first."""
        return (*self.layers, self.otherwise)

    @model_validator(mode="after")
    def _names_apart(self) -> Self:
        if self.otherwise in self.layers:
            raise ValueError(f"otherwise: {self.otherwise} is a layer with a rule already")
        taken = sorted(set(self.cuts) & TAKEN)
        if taken:
            raise ValueError(f"cuts: {', '.join(taken)} would be the name of another column of layers")
        return self

    def definition(self) -> dict[str, Any]:
        """Return all that says what a layer is, as JSON."""
        return self.model_dump(mode="json", exclude={"name", "data", "as_of", "out"})


TAKEN = {"before", "move", "name", "p_down", "p_move", "tier", "tier_before", "value_cents"}
