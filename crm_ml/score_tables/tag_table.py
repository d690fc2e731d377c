"""Published tags of a day as columns of a list: rules of actions may name them as ``tag_<name>``."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from crm_ml.errors import InputError
from crm_ml.score_tables.source import Output, ScoringDay, Source
from crm_ml.storage.manifest import fingerprint
from crm_ml.storage.parquet import write
from crm_ml.tags.tag_files import newest
from crm_ml.tags.tag_store import TagStore

if TYPE_CHECKING:
    from crm_ml.actions.catalog import Action


@dataclass(frozen=True, eq=False, kw_only=True)
class TagSource(Source):
    """Tags that ``python -m crm_ml.tags`` published.

    Parameters
    ----------
    store : TagStore
    names : tuple of str
        Tags that rules may read.
    """

    family: ClassVar[str] = "tags"
    learned: ClassVar[bool] = False

    store: TagStore = field(repr=False)
    names: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that rules read."""
        return tuple(f"tag_{name}" for name in self.names)

    def write(self, day: ScoringDay, action: "Action | None", output: Output) -> int:  # noqa: ARG002
        """Write the tags of those customers who are known on the day of the list."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        known = pq.read_table(day.features, columns=["customer_id"]).column("customer_id").to_pylist()
        frame = self.store.frame(self.names)
        rows = frame[frame.index.isin(known)].reset_index()
        table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)
        return write([table], table.schema, output.path)


def tag_source(folder: Path, day: date, names: Collection[str], max_age_days: int) -> TagSource:
    """Return the newest tags of a folder as a source of a list.

    Parameters
    ----------
    folder : Path
        Of all days of a catalogue, or of one day.
    day : date
        Of the list.
    names : collection of str
        Tags that rules may read; all without any.
    max_age_days : int

    Raises
    ------
    InputError
        If there are none, several of the newest day, they are of a later day or too old, or a name is no tag.
    IntegrityError
        If a file has changed (exit code 4).
    """
    path = newest(folder, day)
    store = TagStore.load(path)
    if not day - timedelta(days=max_age_days) <= store.as_of <= day:
        raise InputError(
            f"{path}: the tags are of {store.as_of}, and the list of {day} takes those of at most "
            f"{max_age_days} days before it (tags.max_age_days); run python -m crm_ml.tags"
        )
    chosen = tuple(sorted(names or store.catalogue.tags))
    store.audience(" or ".join(chosen), on=day)  # refuses names that are no tags, and tags that are too old
    sums = f"{fingerprint(path)} {' '.join(chosen)}"
    return TagSource(name=f"tags_{path.parent.name}", sums=sums, store=store, names=chosen)
