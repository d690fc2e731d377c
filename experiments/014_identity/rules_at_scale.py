"""CPU of the rules on seven million made-up profiles, in a process of its own; prints JSON.

Two million persons have one to six profiles each. Of the profiles .4 % carry one of 250 identifiers of
tablets and call centres; 1 % of the phones were given on; 6 % of the persons share a device with two others.
"""

import json
import resource
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from crm_ml.identity import pairwise, resolve
from crm_ml.identity.identifier_codes import codes_of
from crm_ml.identity.rule import rules_of
from crm_ml.identity.rule_links import components, edges, link

PERSONS = 2_000_000
NAMES = ("phone", "email", "device", "open_id")
Numbers = npt.NDArray[np.int64]


def main(persons: int = PERSONS) -> dict[str, Any]:
    """Return CPU seconds of each step, and what a cap does to the pairs."""
    table, person = profiles(persons, np.random.default_rng(0))
    seconds: dict[str, float] = {}
    steps: dict[str, Any] = {}

    def step(name: str, work: Callable[[], Any]) -> Any:
        before = _cpu()
        steps[name] = work()
        seconds[name] = _cpu() - before
        return steps[name]

    import scipy.sparse.csgraph  # noqa: F401  (its import is no work of the rules)

    rules = rules_of(NAMES)
    codes = step("values as codes", lambda: {name: codes_of(table[name]) for name in NAMES})
    links = step("rules and caps", lambda: [link(rule, codes, None, 8) for rule in rules])
    labels = step("components", lambda: components(links, len(person)))
    rows = step("edges, for reference", lambda: edges(links))
    step("scipy's components of these edges, for reference", lambda: _scipy(rows, len(person)))
    step("distinct values in DuckDB, for reference", lambda: _distinct(table))
    loose = components([link(rule, codes, None, 10**9) for rule in rules], len(person))
    customers = step("resolve, whole", lambda: resolve(table, list(NAMES)))
    again = step("resolve, the next day", lambda: resolve(table, list(NAMES), previous=customers))
    own = (pairwise(group, person) for group in (labels, loose))
    capped, open_ = own
    return {
        "profiles": len(person),
        "cpu_s": seconds,
        "rules_cpu_s": sum(seconds[name] for name in ("values as codes", "rules and caps", "components")),
        "capped": capped._asdict() | {"largest": int(np.bincount(labels).max())},
        "without cap": open_._asdict() | {"largest": int(np.bincount(loose).max())},
        "changes of the next day": len(again.changes),
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def profiles(persons: int, draw: np.random.Generator) -> tuple[pa.Table, Numbers]:
    """Return profiles, whose identifiers are in one form, and their persons, in mixed order."""
    person = draw.permutation(np.repeat(np.arange(persons), draw.integers(1, 7, persons)))
    kiosk = draw.random(len(person)) < 0.004
    device = draw.permutation(10 * persons)[:persons]
    shared = np.flatnonzero(draw.random(persons) < 0.06)
    device[shared] = device[shared[np.arange(len(shared)) // 3 * 3]]
    phone = np.arange(persons)
    given = np.flatnonzero(draw.random(persons) < 0.01)
    phone[given] = draw.integers(0, persons, len(given))
    place = np.arange(len(person))
    columns = {
        "profile_id": _text("p", place),
        "phone": _column(draw, "+86138", phone[person], 0.6, kiosk, 50),
        "email": _column(draw, "someone.", np.arange(persons)[person], 0.35),
        "device": _column(draw, "device-", device[person], 0.5, kiosk, 200),
        "open_id": _column(draw, "oAbCdEfGh", np.arange(persons)[person], 0.3),
    }
    return pa.table(columns), person


def _column(
    draw: np.random.Generator,
    lead: str,
    values: Numbers,
    share: float,
    kiosk: npt.NDArray[np.bool_] | None = None,
    kiosks: int = 0,
) -> pa.Array:
    shown = draw.random(len(values)) < share
    if kiosk is not None:
        values = np.where(kiosk, 10**9 + draw.integers(0, kiosks, len(values)), values)
        shown = shown | kiosk
    return pc.if_else(pa.array(shown), _text(lead, values), pa.scalar(None, pa.string()))


def _text(lead: str, values: Numbers) -> pa.Array:
    return pc.binary_join_element_wise(lead, pa.array(values).cast(pa.string()), "")


def _scipy(rows: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]], size: int) -> int:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(rows[0]), np.int8), rows), shape=(size, size))
    return int(connected_components(graph, directed=False)[0])


def _distinct(table: pa.Table) -> list[Any]:
    from crm_ml.tables.engine import connect

    with connect() as connection:
        connection.register("profiles", table)
        counted = ", ".join(f"count(DISTINCT {name})" for name in NAMES)
        return connection.sql(f"SELECT {counted} FROM profiles").fetchall()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*map(int, sys.argv[1:]))) + "\n")
