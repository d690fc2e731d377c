"""Settings and catalogue of a first list, written with comments."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_ml.actions.catalog import Catalog
from crm_ml.config.loading import overridden
from crm_ml.config.new_run import data_name, free_path, plain_yaml, write_config
from crm_ml.config.run import run_classes
from crm_ml.config.suggestion.rhythm import rhythm_of
from crm_ml.config.uses import runs_of
from crm_ml.errors import InputError
from crm_ml.next_steps import command, new_run
from crm_ml.private_files import write_usual
from crm_ml.score.new_list.first_actions import MARGIN, Basis, first_actions, median_cents
from crm_ml.score.settings import ScoreSettings
from crm_ml.tables.bundle import Tables, to_pandas
from crm_ml.tables.currencies import currency_of, minor_digits
from crm_ml.tables.strict import validate

_SHARE, _HELD_OUT = 0.05, 0.05
_MARKETING = "marketing"
Runs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class NewList:
    """Written settings of a list: its name for ``python -m crm_ml.score``, both files, and notes."""

    config: str
    settings: Path
    actions: Path
    notes: tuple[str, ...]


def write_list(
    data: str, name: str | None = None, overrides: Sequence[str] = (), force: bool = False
) -> NewList:
    """Write ``configs/score/<name>.yaml`` and ``configs/actions/<name>.yaml`` for tables with champions.

    Parameters
    ----------
    data : str
        Mapping of one's own tables, or a data set.
    name : str, optional
        That of `data` without it.
    overrides : sequence of str
        ``key=value`` settings of the list that win, such as ``"models.churn=churn_mine@challenger"``.
    force : bool
        Write over files that are there.

    Raises
    ------
    ConfigError
        If a file is there already, or a setting is none.
    InputError
        If no model of the data is champion; the error says which command makes one.
    """
    name = data_name(name or data)
    paths = [free_path(f"{folder}/{name}.yaml", force) for folder in ("score", "actions")]
    runs = runs_of(data)
    stated: dict[str, Any] = overridden({}, overrides)
    models = {**_champions(runs), **stated.get("models", {})}
    if not models:
        raise InputError(_nothing_yet(data, runs))
    used = {family: _run_behind(family, model, runs) for family, model in models.items()}
    read = next(iter(used.values()))["data"]
    from crm_ml import datasets

    tables = datasets.load(read["name"], read.get("path"), **read.get("options", {}))
    basis = _basis(tables, used)
    code = currency_of(tables.frame("order_lines")) or "USD"
    catalog = {"currency": code, "actions": first_actions(basis)}
    content = _settings(name, read, used, tables) | {k: v for k, v in stated.items() if k != "models"}
    content["models"] = models
    validate(content, ScoreSettings, f"score/{name}")
    validate(catalog, Catalog, f"actions/{name}")
    notes = _notes(models, basis, tables)
    heading = f"A first list of {data}: by whom its models were trained and what it may do follows from them"
    write_config(paths[0], heading, notes, content)
    write_usual(paths[1], commented(catalog, code))
    return NewList(f"score/{name}", paths[0], paths[1], notes)


def _champions(runs: Runs) -> dict[str, str]:
    """Return the models of runs that are champions, one a family."""
    from crm_ml import tracking

    models: dict[str, str] = {}
    for run in runs.values():
        model = str(run["register_as"]["name"])
        if run["family"] not in models and "champion" in tracking.aliases_of(model):
            models[str(run["family"])] = f"{model}@champion"
    return models


def _nothing_yet(data: str, runs: Runs) -> str:
    """Return what to do before a list can be made of some tables."""
    from crm_ml import tracking

    lines = [f"no model of {data} is champion, so no list can be made of it"]
    for name, run in runs.items():
        model = str(run["register_as"]["name"])
        if "challenger" in tracking.aliases_of(model):
            lines.append(
                f"  {model} is challenger: {command('crm_ml.train.promote', model)}, or add --set "
                f"models.{run['family']}={model}@challenger here"
            )
        else:
            lines.append(f"  {name} is not trained: {command('crm_ml.train', name)}")
    return "\n".join(lines if runs else [*lines, f"  first: {new_run('churn', data)}"])


def _run_behind(family: str, model: str, runs: Runs) -> Mapping[str, Any]:
    registered = str(model).partition("@")[0]
    for run in runs.values():
        if run["family"] == family and run["register_as"]["name"] == registered:
            return run
    raise InputError(f"models.{family}={model}: no config in configs/{family}/ for these tables registers it")


def _basis(tables: Tables, used: Runs) -> Basis:
    rhythm = rhythm_of(tables)
    orders, lines = median_cents(tables)
    purpose, channel = _reachable(tables)
    arms: tuple[str, ...] = ()
    if "uplift" in used and tables.has("assignments"):
        named = to_pandas(tables.frame("assignments").select("arm").unique())["arm"].astype(str)
        arms = tuple(sorted(set(named) - {used["uplift"]["target"].get("control", "control")}))
    quiet = rhythm.within(0.5) if rhythm.repeats else 14
    return Basis(used, orders, lines, channel, purpose, quiet, arms)


def _reachable(tables: Tables) -> tuple[str, str]:
    """Return a purpose and a channel that customers consented to most often, where consents are known."""
    if not tables.has("consents"):
        return _MARKETING, "email"
    rows = to_pandas(tables.frame("consents").select("purpose", "channel", "granted"))
    granted = rows[rows["granted"]]
    wanted = granted[granted["purpose"] == _MARKETING]
    purpose = _MARKETING if len(wanted) else str(granted["purpose"].mode().iloc[0])
    channels = granted.loc[granted["purpose"] == purpose, "channel"].dropna().mode()
    return purpose, str(channels.iloc[0]) if len(channels) else "email"


def _settings(name: str, read: Mapping[str, Any], used: Runs, tables: Tables) -> dict[str, Any]:
    customers = len(to_pandas(tables.frame("customers").select("customer_id")))
    return {
        "name": name,
        "data": {key: value for key, value in read.items() if value},
        "models": {},
        "as_of": max(run["register_as"]["as_of"] for run in used.values()),
        "actions": f"configs/actions/{name}.yaml",
        "consent": "table" if tables.has("consents") else "assumed",
        "daily_cap": max(10, round(_SHARE * customers)),
        "hold_out": {"salt": f"list-{name}", "universal": _HELD_OUT},
    }


def _notes(models: Mapping[str, str], basis: Basis, tables: Tables) -> tuple[str, ...]:
    missing = [family for family in run_classes() if family not in models]
    consent = (
        f"consent: the table decides, for {basis.purpose} by {basis.channel}" if tables.has("consents")
        else "consent assumed: the tables have none; each row of the list says so"
    )  # fmt: skip
    return (
        f"models: {', '.join(models.values())}" + (f"; none of {', '.join(missing)}" if missing else ""),
        "as_of: the day for which the models were trained; --as-of gives a later one, with newer tables",
        consent,
        f"daily_cap: {_SHARE:.0%} of the customers; hold_out: {_HELD_OUT:.0%} get nothing, so that the list "
        "can be measured; keep its salt",
        f"costs, margins ({MARGIN:.0%} of a median order) and effects of actions are assumptions to replace",
    )


def commented(catalog: Mapping[str, Any], code: str) -> str:
    """Return a catalogue as YAML, with each amount in major units beside it."""
    digits = minor_digits(code)

    def major(line: str) -> str:
        amount = re.fullmatch(r"[ -]*(?:cost|margin|at_most|worth)_cents: ([0-9.]+)", line)
        return f"{line}  # {float(amount[1]) / 10**digits:,.{digits}f} {code}" if amount else line

    heading = (
        "# What may be done to a customer. Amounts are in minor units of the currency, with major beside;\n"
        "# costs, margins and effects are assumptions: replace them by the figures of your own house.\n"
    )
    return heading + "\n".join(map(major, plain_yaml(catalog, one_line=False).splitlines())) + "\n"
