"""What a champion says of each customer on a day: the protocol that every family's score table follows."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals as nw

from crm_ml.monitoring.training_profile import Profile
from crm_ml.score_tables.score_rows import Groups, Progress, Reasons
from crm_ml.snapshots import Snapshot
from crm_ml.storage.part import WHOLE, Part
from crm_ml.tables.bundle import Tables
from crm_ml.tables.sql import parquet_rows

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from crm_ml.actions.catalog import Action
    from crm_ml.parts.parted_tables import PartedTables


@dataclass(frozen=True, eq=False)
class ScoringDay:
    """What a score table is made from, beside its model.

    Parameters
    ----------
    tables : Tables
        Of the part of the customers.
    snapshot : Snapshot
    features : Path
        The feature table (Parquet) of all known customers of the part, ordered by customer_id.
    part : Part, optional
        All customers without it.
    parted : PartedTables, optional
        That the part is one of.
    """

    tables: Tables
    snapshot: Snapshot
    features: Path
    part: Part = WHOLE
    parted: "PartedTables | None" = None

    @property
    def data(self) -> str:
        """Fingerprint of the tables of all customers."""
        return self.tables.fingerprint if self.parted is None else self.parted.fingerprint

    @cached_property
    def everybody(self) -> Tables:
        """The tables of all customers."""
        return self.tables if self.parted is None else self.parted.whole()


@dataclass(frozen=True)
class Output:
    """Where a score table goes.

    Parameters
    ----------
    path : Path
        The file (Parquet) to be written.
    parts : Path
        Folder for finished parts, which outlives an interrupted run; it is removed when the table is whole.
    progress : callable, optional
        Called with customers scored and customers in all.
    """

    path: Path
    parts: Path
    progress: Progress | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Source(ABC):
    """A champion as scoring needs it: one score table, or one for each action that asks.

    A family has one module here (or in a package of its own, see `crm_ml.score_tables.families`) with
    ``NEEDS``, the entries of the model's manifest that scoring reads; ``SCORES``, the columns it gives, those
    named ``p_...`` being the probabilities that actions may be valued by;
    ``load(version)``, which returns a source; and ``label(version, stage, as_of)``, which returns a `Label`,
    or why there is none.

    Parameters
    ----------
    name : str
        Registered name of the model, such as ``"churn"``.
    sums : str
        Hash of the model's files, at least 12 hexadecimal digits.
    registered : str, optional
        The same hash as the registry has it; None for a model of a folder.
    groups : mapping or sequence
        Feature groups of the model with their options.
    profile : Profile, optional
        What the data of a day are compared with.
    reasons : callable, optional
        Features to reason codes such as ``"rfm_days_since_order=41 (+0.83)"``, one sequence a row.
    verified : collection of str
        Arms whose measured effect values actions.
    modules : collection of str
        Modules of one's own that the model rests on, beyond the module of the source.
    cautions : sequence of str
        Sentences on what the data behind the model do not know, which the page of a list shows.
    zone : str
        Zone whose days the model was trained on.
    labels_end : str
        First day that it may score, since labels that it learned from end there; empty where it has none.
    horizon_days : int
        Length of the window that it predicts, where its manifest says it in days; else 0.
    """

    family: ClassVar[str]
    scores: ClassVar[tuple[str, ...]] = ()
    per_action: ClassVar[bool] = False
    learned: ClassVar[bool] = True  # whether its model has training data that a day can have moved from
    beside: ClassVar[tuple[str, ...]] = ()  # columns of an action's table that go into the rows of the list

    name: str
    sums: str
    registered: str | None = None
    groups: Groups = field(default_factory=dict)
    profile: Profile | None = None
    reasons: Reasons | None = None
    verified: Collection[str] = ()
    modules: Collection[str] = ()
    cautions: Sequence[str] = ()
    zone: str = "UTC"
    labels_end: str = ""
    horizon_days: int = 0

    @property
    def columns(self) -> Sequence[str]:
        """Columns of the score table that rules and values read; of an action they get its number."""
        return self.scores

    @property
    def versioned_name(self) -> str:
        """Name and start of the hash, as the column ``model`` and the list have it."""
        return f"{self.name}@{self.sums[:12]}"

    def asks(self, action: "Action") -> bool:  # noqa: ARG002  (a source of one table is asked by none)
        """Say whether an action needs a table of its own."""
        return False

    def usual_actions(self, tables: Tables, snapshot: Snapshot) -> "Sequence[Action]":  # noqa: ARG002
        """Return what the scores of a day are about where no catalogue says it; empty where nothing is usual.

        Only a source that scores each action is asked.
        """
        return ()

    def group_of(self, action: "Action") -> str:  # noqa: ARG002
        """Return the group of scores in the profile that the table of an action belongs to."""
        return ""

    def breaches(self, actions: "Sequence[Action]", tables: Tables) -> list[str]:  # noqa: ARG002
        """Return what is wrong with actions that the model should value; empty where nothing is."""
        return []

    def ingredients(self, day: ScoringDay, action: "Action | None") -> dict[str, Any]:  # noqa: ARG002
        """Return what the table follows from beside the code and the model, as JSON."""
        return {"features": day.features.parent.name}

    @abstractmethod
    def write(self, day: ScoringDay, action: "Action | None", output: Output) -> int:
        """Write the score table, ordered by customer_id; return the number of customers.

        Parameters
        ----------
        day : ScoringDay
        action : Action, optional
            That the table is about.
        output : Output

        Raises
        ------
        InputError
            If a score is missing or outside its range.
        """

    def population(
        self,
        connection: "duckdb.DuckDBPyConnection",
        features: Path,
        own: Path,  # noqa: ARG002
    ) -> "duckdb.DuckDBPyRelation":
        """Return those whom the model scores with its inputs, to be compared with its profile.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
        features, own : Path
            The feature table, and the score table.
        """
        return connection.sql(f"FROM {parquet_rows(features)}")


@dataclass(frozen=True, eq=False)
class Label:
    """What comes true of a score table.

    Parameters
    ----------
    window : Snapshot
        Day of the scores and window of their labels.
    outcome : callable
        Tables to the outcome of each customer who has one, indexed by customer_id.
    score : str
        Column of the score table.
    is_probability : bool
        Whether the score is a probability, and no number of purchases.
    promised : str
        Prefix of the metrics in which the training run judged the same; empty where it judged none.
    unlike : str
        Why nothing was promised.
    table : str
        Whose newest row says how far outcomes are known.
    """

    window: Snapshot
    outcome: "Callable[[Tables], pd.Series[Any]]"
    score: str
    is_probability: bool = True
    promised: str = ""
    unlike: str = ""
    table: str = "orders"


def scan(connection: "duckdb.DuckDBPyConnection", path: Path) -> "nw.LazyFrame[Any]":
    """Read a Parquet file on a connection."""
    frame: nw.LazyFrame[Any] = nw.from_native(connection.sql(f"FROM {parquet_rows(path)}"))
    return frame


def options_by_group(groups: Groups) -> Mapping[str, Mapping[str, Any]]:
    """Return feature groups with their options, none where only names are given."""
    return groups if isinstance(groups, Mapping) else {name: {} for name in groups}
