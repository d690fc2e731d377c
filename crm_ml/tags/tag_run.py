"""One run of the tags: settings, tables of the day, store and page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from crm_ml.config.loading import load
from crm_ml.config.parts import Data
from crm_ml.errors import ConfigError, InputError
from crm_ml.storage.paths import configs_folder, data_folder, inside
from crm_ml.tags import tag_files
from crm_ml.tags.building import Refreshed
from crm_ml.tags.catalogue import TagCatalogue
from crm_ml.tags.price_sensitivity import price_sensitivity
from crm_ml.tags.tag_page import write_page
from crm_ml.tags.tag_store import TagStore

if TYPE_CHECKING:
    import pandas as pd

PAGE = "page.html"


class TagRun(TagCatalogue):
    """A catalogue with the tables that it reads; parameters beside those of `TagCatalogue`.

    Parameters
    ----------
    data : Data
    as_of : date, optional
        Day of the tags; the command line may give it instead. Never the clock.
    price_sensitivity : bool
        Whether rules read ``price_sensitivity`` and ``price_sensitivity_lines``, see
        `crm_ml.tags.price_sensitivity`; they are computed for everybody each day.
    """

    data: Data
    as_of: Annotated[date, Field(strict=False)] | None = None
    price_sensitivity: bool = False


@dataclass(frozen=True, eq=False)
class TagsOfADay:
    """What a run has made.

    Parameters
    ----------
    store : TagStore
    folder, page : Path
    refreshed : Refreshed or None
        None of tags that were built without earlier ones.
    """

    store: TagStore
    folder: Path
    page: Path
    refreshed: Refreshed | None


def load_settings(name: str, overrides: Sequence[str] = ()) -> TagRun:
    """Read ``configs/<name>.yaml``, such as ``tags/simulated``.

    Raises
    ------
    ConfigError
        With everything that is wrong in it.
    """
    path = inside(configs_folder(), f"{name.removesuffix('.yaml').removeprefix('configs/')}.yaml")
    return load(path, TagRun, overrides)


def load_catalogue(name: str) -> TagCatalogue:
    """Return the catalogue of ``configs/<name>.yaml``; raises as `load_settings`."""
    settings = load_settings(name)
    return TagCatalogue(tags=settings.tags, features=settings.features)


def run(
    settings: TagRun,
    name: str,
    scores: Sequence[Path] = (),
    previous: Path | None = None,
    out: Path | None = None,
) -> TagsOfADay:
    """Make the tags of a day, from those of an earlier one where its folder is given, and their page.

    Parameters
    ----------
    settings : TagRun
    name : str
        Of the catalogue.
    scores : sequence of Path
        Score tables of the day, Parquet with a row a customer.
    previous : Path, optional
        Tags of an earlier day, or the folder of all days, of which the newest count.
    out : Path, optional
        ``tags`` in the data folder without it; the tags lie in ``<name>/<day>-<id>`` of it.

    Raises
    ------
    ConfigError
        If no day is given, or the earlier tags have another catalogue.
    InputError, IntegrityError
        As `TagStore.build`, `TagStore.refresh` and `TagStore.load`.
    """
    from crm_ml import datasets

    if settings.as_of is None:
        raise ConfigError("as_of: give the day of the tags as --as-of YYYY-MM-DD or in the configuration")
    catalogue = TagCatalogue(tags=settings.tags, features=settings.features)
    before = (
        None
        if previous is None
        else TagStore.load(tag_files.newest(previous, settings.as_of - timedelta(days=1)))
    )
    if before is not None and before.catalogue != catalogue:
        raise ConfigError(f"{previous}: its catalogue differs from that of {name}; build the tags without it")
    tables = datasets.load(settings.data.name, settings.data.path, **settings.data.options)
    frames = [_read(path) for path in scores]
    frames += [price_sensitivity(tables, settings.as_of)] if settings.price_sensitivity else []
    why = None
    if before is None:
        store = TagStore.build(tables, settings.as_of, catalogue, frames)
    else:
        store, why = before.refresh(tables, settings.as_of, frames)
    folder = tag_files.add(store, (out or data_folder() / "tags") / name)
    page = folder.with_suffix(".html")
    write_page(store, page, before)
    return TagsOfADay(store, folder, page, why)


def _read(path: Path) -> "pd.DataFrame":
    import pandas as pd

    if not path.is_file():
        raise InputError(f"{path}: no such score table")
    frame = pd.read_parquet(path)
    if "customer_id" not in frame:
        raise InputError(
            f"{path}: a score table has a column customer_id; it has {', '.join(map(str, frame))}"
        )
    return frame.set_index("customer_id")
