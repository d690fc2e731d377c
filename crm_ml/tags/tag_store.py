"""The tags of a day: made from tables, refreshed by those of the next day, written and read."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Self

from crm_ml.tables.bundle import Tables
from crm_ml.tags import building, tag_files
from crm_ml.tags.building import Refreshed
from crm_ml.tags.catalogue import TagCatalogue
from crm_ml.tags.tag_planes import TagPlanes

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class TagStore(TagPlanes):
    """Tags of all customers on a day; see `TagPlanes` for what can be asked of them.

    Examples
    --------
    >>> from crm_ml import datasets
    >>> tag = {"description": "no order for a month", "rule": "rfm_days_since_order > 30"}
    >>> shop = datasets.load("simulated", customers=200)
    >>> store = TagStore.build(shop, date(2024, 6, 1), TagCatalogue.model_validate({"tags": {"quiet": tag}}))
    >>> store.audience("quiet").count() + store.audience("not quiet").count() <= 200
    True
    """

    @classmethod
    def of(cls, planes: TagPlanes) -> Self:
        """Return planes of tags as a store."""
        return cls(**{each.name: getattr(planes, each.name) for each in fields(TagPlanes)})

    @classmethod
    def build(
        cls, tables: Tables, as_of: date, catalogue: TagCatalogue, scores: "Sequence[pd.DataFrame]" = ()
    ) -> Self:
        """Return the tags of all customers who are known on a day.

        Parameters
        ----------
        tables : Tables
        as_of : date
            Only rows strictly before it are read.
        catalogue : TagCatalogue
        scores : sequence of pandas.DataFrame
            Score tables of the day, indexed by customer_id.

        Raises
        ------
        ConfigError
            If rules name columns that are not there or of another kind; all of them.
        InputError
            If no customer is known, or a column stands in several frames.
        """
        return cls.of(building.build(tables, as_of, catalogue, scores))

    @classmethod
    def of_frame(cls, frame: "pd.DataFrame", as_of: date, catalogue: TagCatalogue) -> Self:
        """Return the tags of customers whose features and scores are the rows of a frame.

        Parameters
        ----------
        frame : pandas.DataFrame
            Indexed by customer_id. Tags of a frame can't be refreshed from tables.
        as_of : date
        catalogue : TagCatalogue

        Raises
        ------
        ConfigError, InputError
            As `build`, or if a customer stands twice.
        """
        return cls.of(building.of_frame(frame, as_of, catalogue))

    def refresh(
        self, tables: Tables, as_of: date, scores: "Sequence[pd.DataFrame]" = ()
    ) -> tuple[Self, Refreshed]:
        """Return the tags of a later day, and why customers were looked at again.

        Looked at again are customers with an event since, those of whom a row left a window or passed an age
        that a rule names, and those whose earlier rows differ now. Facts of scores and of features that may
        change on any day are made again for everybody. The result is that of `build` to the bit; tags with a
        memory go on from those of this store.

        Parameters
        ----------
        tables : Tables
        as_of : date
        scores : sequence of pandas.DataFrame
            Score tables of the day.

        Raises
        ------
        ConfigError, InputError
            As `build`, or if the day lies before that of the store.
        """
        planes, why = building.refreshed(self, tables, as_of, scores)
        return type(self).of(planes), why

    def save(self, folder: Path) -> None:
        """Write the store into a new folder, whole or not at all (`AlreadyPublished` where it stands)."""
        tag_files.save(self, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a store that `save` wrote (`IntegrityError` where a file differs from its manifest)."""
        return cls.of(tag_files.load(folder))
