"""The best settings of the searches of the tuned runs, and whether confirmation took them.

``python experiments/007_tuning/results.py`` reads the newest finished run of each from the tracking store and
writes results.json and the tables of README.md; train them before, with
``python -m crm_ml.train churn/tuned propensity/tuned recommend/tuned``.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from study import Table, parser, run, save, saved, test_evaluations, write_between, write_tables

from crm_ml import tracking
from crm_ml.errors import InputError

RUNS = {"churn/tuned": "log_loss", "propensity/tuned": "log_loss", "recommend/tuned": "new_ndcg_at_10"}
Read = Mapping[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the tables; return the exit code."""
    command = parser(__file__, "Report the results of the searches.", "results.json", RUNS)
    return run(_report, command.parse_args(argv))


def _report(arguments: argparse.Namespace) -> None:
    path = arguments.folder / "results.json"
    results = saved(path, {"runs": {}})
    new = {name: read(name) for name in arguments.only or RUNS}
    runs = {name: new.get(name) or results["runs"].get(name) for name in RUNS}
    results["runs"] = {name: search for name, search in runs.items() if search}
    for name, search in new.items():
        figures = {f"{name}.{RUNS[name]}": search["test"]["value"]}
        results["looks"] = test_evaluations(path, json.dumps(search["chosen"]), figures)
        save(path, results)
    write(results, arguments.folder)


def read(name: str) -> dict[str, Any]:
    """Return the search of the newest finished run of a name, as it was logged.

    Raises
    ------
    InputError
        If there is none.
    """
    client = tracking.connect()
    missing = f"{name}: no finished run in {tracking.tracking_uri()}; train it first"
    experiment = client.get_experiment_by_name(name.partition("/")[0])
    if experiment is None:
        raise InputError(missing)
    runs = client.search_runs([experiment.experiment_id], "attributes.status = 'FINISHED'")
    logged = next((each for each in runs if each.info.run_name == name), None)
    if logged is None:
        raise InputError(missing)

    def content(file: str) -> Any:
        return json.loads(Path(client.download_artifacts(logged.info.run_id, file)).read_text("utf-8"))

    facts = content("facts.json")
    stages = content("reproduction.json")
    table = next(stage["content"]["table"] for stage in stages if stage["stage"] == "trials")
    metric = f"test.{RUNS[name]}"
    ends = {"value": "", "low": ".low", "high": ".high"}
    test = {end: logged.data.metrics[f"{metric}{suffix}"] for end, suffix in ends.items()}
    best = table[facts["tuning"]["verdict"]["best"]]
    return {**facts["tuning"], "start": table[0], "found": best, "test": test}


def write(results: Read, folder: Path) -> None:
    """Write the tables of README.md and print them."""
    runs = results["runs"]
    tables: dict[str, Table] = {
        "searches": (
            ("run", "metric", "trials", "given up", "search sees", "confirmed on", "rows", "households"),
            [_search(name, search) for name, search in runs.items()],
        ),
        "verdicts": (
            ("run", "search: start", "search: best", "confirm: start", "confirm: best", "gain", "verdict"),
            [_verdict(name, search) for name, search in runs.items()],
        ),
        "settings": (
            ("run", "settings", "start", "best of the search"),
            [row for name, search in runs.items() for row in _settings(name, search)],
        ),
        "test": (
            ("run", "metric", "settings that went on", "test window", "gain over the defaults there"),
            [_tested(name, search) for name, search in runs.items()],
        ),
    }
    write_tables(folder, tables)
    counted = f"Different results seen on the test windows by these runs so far: {len(results['looks'])}."
    write_between(folder / "README.md", "looks", counted)
    print(counted)


def _search(name: str, search: Read) -> tuple[str, ...]:
    confirmed, states = search["verdict"]["confirmed"] or {}, search["states"]
    days = {part: ", ".join(names) for part, names in search["validation"].items()}
    counts = (f"{confirmed[key]:,}" if key in confirmed else "" for key in ("rows", "customers"))
    trials, given_up = str(sum(states.values())), str(states.get("pruned", 0))
    return (name, search["verdict"]["metric"], trials, given_up, days["search"], days["confirm"], *counts)


def _verdict(name: str, search: Read) -> tuple[str, ...]:
    verdict = search["verdict"]
    confirmed = verdict["confirmed"]
    cells = ("", "", "")
    if confirmed is not None:
        values = (f"{confirmed[key]['value']:.5f}" for key in ("start", "found"))
        cells = (*values, _interval(confirmed["gain"], 5))
    taken = "tuned settings taken" if verdict["taken"] else "**defaults kept**"
    return (name, f"{search['start']['value']:.5f}", f"{search['found']['value']:.5f}", *cells, taken)


def _tested(name: str, search: Read) -> tuple[str, ...]:
    settings = "tuned" if search["verdict"]["taken"] else "defaults"
    gain = _interval(search["tested"]["gain"], 5) if search.get("tested") else ""
    return (name, RUNS[name], settings, _interval(search["test"]), gain)


def _settings(name: str, search: Read) -> list[tuple[str, ...]]:
    start, best = search["start"]["params"], search["found"]["params"]
    return [(name, option, f"{start[option]:.4g}", f"{best[option]:.4g}") for option in start]


def _interval(interval: Mapping[str, float], digits: int = 4) -> str:
    return f"{interval['value']:.{digits}f} [{interval['low']:.{digits}f}, {interval['high']:.{digits}f}]"


if __name__ == "__main__":
    sys.exit(main())
