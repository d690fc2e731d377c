"""What the searches of the tuned runs found, and whether it was believed.

``python experiments/007_tuning/results.py`` reads the newest finished run of each from the tracking store and
writes results.json and the tables of README.md; train them before, with
``python -m crm_ml.train churn/tuned propensity/tuned recommend/tuned``.
"""

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # for the tables of all experiments

from readme_tables import looks, markdown, show, write_between  # noqa: E402

from crm_ml import tracking  # noqa: E402
from crm_ml.errors import CrmError, InputError  # noqa: E402

RUNS = {"churn/tuned": "log_loss", "propensity/tuned": "log_loss", "recommend/tuned": "new_ndcg_at_10"}
Read = Mapping[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the tables; return the exit code."""
    logging.basicConfig(level=logging.ERROR)
    parser = argparse.ArgumentParser("results.py", description="Tell what the searches found.")
    parser.add_argument(
        "--only", choices=RUNS, action="append", help="this run alone; others stay as written"
    )
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and results.json stand")
    given = parser.parse_args(argv)
    path = given.folder / "results.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"runs": {}}
        found = {name: read(name) for name in given.only or RUNS}
        kept["runs"] = {name: found.get(name) or kept["runs"].get(name) for name in RUNS}
        kept["runs"] = {name: one for name, one in kept["runs"].items() if one}
        for name, one in found.items():
            seen = {f"{name}.{RUNS[name]}": one["test"]["value"]}
            kept["looks"] = looks(path, json.dumps(one["chosen"]), seen)
            path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        write(kept, given.folder)
    except CrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def read(name: str) -> dict[str, Any]:
    """Return what the newest finished run of a name says of its search.

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
    run = next((one for one in runs if one.info.run_name == name), None)
    if run is None:
        raise InputError(missing)
    told = json.loads(Path(client.download_artifacts(run.info.run_id, "facts.json")).read_text("utf-8"))
    trials = json.loads(
        Path(client.download_artifacts(run.info.run_id, "reproduction.json")).read_text("utf-8")
    )
    table = next(one["content"]["table"] for one in trials if one["stage"] == "trials")
    metric = f"test.{RUNS[name]}"
    ends = {"value": "", "low": ".low", "high": ".high"}
    test = {end: run.data.metrics[f"{metric}{suffix}"] for end, suffix in ends.items()}
    best = table[told["tuning"]["verdict"]["best"]]
    return {**told["tuning"], "start": table[0], "found": best, "test": test}


def write(kept: Read, folder: Path) -> None:
    """Write the tables of README.md and print them."""
    runs = kept["runs"]
    tables: dict[str, tuple[Sequence[str], Sequence[Sequence[str]]]] = {
        "searches": (
            ("run", "metric", "trials", "given up", "search sees", "confirmed on", "rows", "households"),
            [_search(name, one) for name, one in runs.items()],
        ),
        "verdicts": (
            ("run", "search: start", "search: best", "confirm: start", "confirm: best", "gain", "verdict"),
            [_verdict(name, one) for name, one in runs.items()],
        ),
        "settings": (
            ("run", "settings", "start", "best of the search"),
            [row for name, one in runs.items() for row in _settings(name, one)],
        ),
        "test": (
            ("run", "metric", "settings that went on", "test window", "gain over the defaults there"),
            [_tested(name, one) for name, one in runs.items()],
        ),
    }
    for marker, (header, rows) in tables.items():
        write_between(folder / "README.md", marker, markdown(header, rows))
        show(marker, header, rows)
    counted = f"Different results seen on the test windows by these runs so far: {len(kept['looks'])}."
    write_between(folder / "README.md", "looks", counted)
    print(counted)


def _search(name: str, one: Read) -> tuple[str, ...]:
    said, states = one["verdict"]["confirmed"] or {}, one["states"]
    days = {part: ", ".join(names) for part, names in one["validation"].items()}
    counts = (f"{said[key]:,}" if key in said else "" for key in ("rows", "customers"))
    trials = str(sum(states.values()))
    given_up = str(states.get("pruned", 0))
    return (name, one["verdict"]["metric"], trials, given_up, days["search"], days["confirm"], *counts)


def _verdict(name: str, one: Read) -> tuple[str, ...]:
    verdict = one["verdict"]
    said = verdict["confirmed"]
    confirmed = (
        ("", "") if said is None else (f"{said['start']['value']:.5f}", f"{said['found']['value']:.5f}")
    )
    gain = "" if said is None else _interval(said["gain"], 5)
    taken = "tuned settings taken" if verdict["taken"] else "**defaults kept**"
    return (name, f"{one['start']['value']:.5f}", f"{one['found']['value']:.5f}", *confirmed, gain, taken)


def _tested(name: str, one: Read) -> tuple[str, ...]:
    settings = "tuned" if one["verdict"]["taken"] else "defaults"
    gain = _interval(one["tested"]["gain"], 5) if one.get("tested") else ""
    return (name, RUNS[name], settings, _interval(one["test"]), gain)


def _settings(name: str, one: Read) -> list[tuple[str, ...]]:
    start, found = one["start"]["params"], one["found"]["params"]
    return [(name, option, f"{start[option]:.4g}", f"{found[option]:.4g}") for option in start]


def _interval(one: Mapping[str, float], digits: int = 4) -> str:
    return f"{one['value']:.{digits}f} [{one['low']:.{digits}f}, {one['high']:.{digits}f}]"


if __name__ == "__main__":
    sys.exit(main())
