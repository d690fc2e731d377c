"""Published layers of a day as columns of a list: rules of actions may name them."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from crm_ml.errors import InputError
from crm_ml.layers.layer_folder import LAYERS_FILE, LayerFolder
from crm_ml.score_tables.source import Output, ScoringDay, Source
from crm_ml.storage.parquet import write
from crm_ml.tables.engine import connect
from crm_ml.tables.sql import parquet_rows

if TYPE_CHECKING:
    from crm_ml.actions.catalog import Action


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerSource(Source):
    """Layers that ``python -m crm_ml.layers`` published.

    Parameters
    ----------
    file : Path
        Parquet with a row a customer.
    names : tuple of str
        Its columns beside customer_id.
    """

    family: ClassVar[str] = "layers"
    learned: ClassVar[bool] = False

    file: Path
    names: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that rules read."""
        return self.names

    def write(self, day: ScoringDay, action: "Action | None", output: Output) -> int:  # noqa: ARG002
        """Write the layers of those customers who are known on the day of the list."""
        connection = connect()
        try:
            rows = connection.sql(
                f"SELECT layers.* FROM {parquet_rows(self.file)} layers "
                f"SEMI JOIN {parquet_rows(day.features)} known ON known.customer_id = layers.customer_id "
                "ORDER BY layers.customer_id"
            ).to_arrow_table()
        finally:
            connection.close()
        return write([rows], rows.schema, output.path)


def layer_source(folder: Path, day: date, max_age_days: int) -> LayerSource:
    """Return the newest layers of a folder as a source of a list.

    Parameters
    ----------
    folder : Path
        Of all days of a name, or of one day.
    day : date
        Of the list.
    max_age_days : int

    Raises
    ------
    InputError
        If there are none, or they are of a later day or too old.
    IntegrityError
        If a file has changed (exit code 4).
    """
    published = LayerFolder.read(folder, day)
    if not day - timedelta(days=max_age_days) <= published.as_of <= day:
        raise InputError(
            f"{published.path}: the layers are of {published.as_of}, and the list of {day} takes those of at "
            f"most {max_age_days} days before it (layers.max_age_days); run python -m crm_ml.layers"
        )
    facts: dict[str, Any] = dict(published.manifest)
    return LayerSource(
        name=f"layers_{facts['name']}",
        sums=str(facts["layers_id"]) + str(facts["files"][LAYERS_FILE]["sha256"]),
        zone=str(facts["timezone"]),
        file=published.path / LAYERS_FILE,
        names=published.columns,
    )
