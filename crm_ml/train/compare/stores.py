"""Runs of any tracking store, by run id or by the alias of a registered model, with their test rows."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml import tracking
from crm_ml.errors import InputError
from crm_ml.masking import masked
from crm_ml.storage.paths import sqlite_file, sqlite_uri
from crm_ml.train.compare.logged_rows import FOLDER, Logged

if TYPE_CHECKING:
    from crm_ml.tracking import Client

_DIGITS = 8


@dataclass(frozen=True, eq=False)
class Named:
    """A run by its label, with where it stands and its test rows."""

    label: str
    run_id: str
    store: str
    rows: Logged


def find_runs(names: Sequence[str], stores: Sequence[str] = ()) -> list[Named]:
    """Find runs with their test rows.

    Parameters
    ----------
    names : sequence of str
        Run ids, or ``<name>@<alias>`` of registered models; sought in the store of the project and then in
        `stores`. ``URI#RUN`` is sought in that store alone.
    stores : sequence of str
        URIs of tracking stores, or folders that hold a ``mlflow.db``.

    Raises
    ------
    InputError
        If runs are not found, stand twice or have no test rows; the message names all of them.
    IntegrityError
        If the files of a run's test rows have changed.
    """
    everywhere = [tracking.tracking_uri(), *(_uri(each) for each in stores)]
    named_runs: list[Named] = []
    wrong = []
    for name in names:
        store, _, run = name.rpartition("#")
        try:
            named_runs.append(_find(run, [_uri(store)] if store else everywhere))
        except InputError as error:
            wrong.append(str(error))
    if wrong:
        raise InputError("; ".join(wrong))
    keys = [(each.store, each.run_id) for each in named_runs]
    twice = sorted({label.label for label, key in zip(named_runs, keys, strict=True) if keys.count(key) > 1})
    if twice:
        raise InputError(f"each run may stand once, not {', '.join(twice)}")
    return named_runs


def client_of(store: str) -> "Client":
    """Return a client of a store by its URI.

    Raises
    ------
    InputError
        If a local database does not exist.
    """
    file = sqlite_file(store)
    if file is not None and store != tracking.tracking_uri() and not file.is_file():
        raise InputError(f"{masked(store)}: there is no such tracking store")
    return tracking.connect_to(store)


def rows_of(client: "Client", run_id: str, label: str) -> Logged:
    """Download and read the test rows of a run; raises as `find_runs`."""
    lacking = f"{label}: it has no test rows ({FOLDER}/); train it again to compare it"
    with tempfile.TemporaryDirectory() as home:
        try:
            with tracking.refusing(lacking):
                folder = Path(client.download_artifacts(run_id, FOLDER, home))
        except OSError as error:
            raise InputError(lacking) from error
        if not folder.is_dir():
            raise InputError(lacking)
        return Logged.load(folder)


def _find(name: str, stores: Sequence[str]) -> Named:
    for store in stores:
        client = client_of(store)
        run = _run(client, name, store)
        if run is None:
            continue
        rows = rows_of(client, run.info.run_id, name)
        short = run.info.run_id[:_DIGITS]
        return Named(f"{name if '@' in name else run.info.run_name} {short}", run.info.run_id, store, rows)
    kind = "registered model" if "@" in name else "run"
    raise InputError(f"{name}: no {kind} of that name in {', '.join(map(masked, stores))}")


def _run(client: "Client", name: str, store: str) -> Any | None:
    with tracking.absent(f"{name} can't be read from {masked(store)}"):
        if "@" in name:
            model, _, alias = name.partition("@")
            return client.get_run(str(client.get_model_version_by_alias(model, alias).run_id))
        return client.get_run(name)
    return None


def _uri(store: str) -> str:
    database = Path(store) / "mlflow.db"
    return sqlite_uri(database.resolve()) if database.is_file() else store
