"""The customers of a day: profiles of a file, joined as settings say, published after the day before."""

from datetime import date
from pathlib import Path

from crm_ml.errors import InputError
from crm_ml.identity.configured_scorer import configured_scorer
from crm_ml.identity.customers import Customers
from crm_ml.identity.published_customers import latest_published, publish_customers, read_published
from crm_ml.identity.resolution import resolve
from crm_ml.identity.settings import IdentitySettings
from crm_ml.storage.identity import identity
from crm_ml.storage.publish import check_free
from crm_ml.tables.sources import inside


def resolved(settings: IdentitySettings, root: Path, previous: Path | None) -> Customers:
    """Return the customers of the profiles that settings name.

    Parameters
    ----------
    settings : IdentitySettings
    root : Path
        Folder that paths are relative to and must stay in.
    previous : Path, optional
        Published customers whose ids stay.

    Raises
    ------
    InputError
        As `resolve`, or if a file is absent.
    """
    return resolve(
        inside(root, settings.profiles, must_exist=True),
        settings.rules,
        settings.hub_cap,
        configured_scorer(settings.scorer, root),
        previous,
        walls=settings.walls,
        identifiers=settings.identifiers,
        average_link=settings.average_link,
    )


def publish_day(
    settings: IdentitySettings, root: Path, out: Path, as_of: date, previous: Path | None
) -> tuple[Customers, Path]:
    """Publish the customers of a day, and return them and their folder.

    Parameters
    ----------
    settings : IdentitySettings
    root : Path
        Folder that paths are relative to and must stay in.
    out : Path
        Folder of the days.
    as_of : date
    previous : Path, optional
        Earlier customers whose ids stay; by default those of the latest day of `out`, if there is one.

    Raises
    ------
    AlreadyPublished
        If the day is there.
    InputError
        As `resolved`, or if the earlier customers are not of an earlier day.
    IntegrityError
        If their files have changed.
    """
    check_free(out, as_of.isoformat())
    earlier = previous or latest_published(out)
    published = None if earlier is None else read_published(earlier)
    if published is not None and published.as_of >= as_of:
        raise InputError(
            f"{published.folder}: its customers are of {published.as_of}, not before {as_of}; "
            "give --previous with an earlier day"
        )
    customers = resolved(settings, root, earlier)
    details = {"settings": identity(settings.model_dump(mode="json"))}
    before = None if published is None else published.changes
    return customers, publish_customers(customers, out, as_of, details, before)
