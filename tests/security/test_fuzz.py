"""Mutations of every input, drawn by the seed of the session: each ends as documented; see `fuzz_cases`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import fuzz_cases
import pytest
import soak

import crm_ml

FORKS = Path(__file__).parents[1] / "helpers/fuzz_forks.py"
COUNT = soak.size(60, 60, 2_000)


@pytest.mark.slow
@pytest.mark.soak("mutations of inputs", COUNT)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="cases are forks")
@pytest.mark.timeout(3 * 3600)
def test_no_mutation_brings_a_traceback_a_hang_a_signal_or_a_file_outside(tmp_path, tried):
    numbers = fuzz_cases.numbers(soak.SEED, COUNT, whole=soak.SOAK)
    verdicts = played(tmp_path, [{"seed": soak.SEED, "number": number} for number in numbers])
    tried(COUNT)
    assert len(verdicts) == COUNT
    assert {verdict["code"] for verdict in verdicts} >= {0, 2}  # neither all refused nor none
    wrong = [shown(verdict) for verdict in verdicts if verdict["faults"]]
    assert not wrong, f"{len(wrong)} of {COUNT}:\n" + "\n".join(wrong)


def played(folder, orders):
    """Play cases in a process that forks each of them; the verdicts."""
    environment = os.environ | {"PYTHONPATH": str(Path(crm_ml.__path__[0]).parent)}
    lines = "".join(f"{json.dumps(order)}\n" for order in orders)
    with (folder / "told").open("w+") as told:
        ended = subprocess.run(
            [sys.executable, str(FORKS), str(folder / "fuzz")],
            input=lines, stdout=subprocess.PIPE, stderr=told, text=True, check=False, env=environment,
        )  # fmt: skip
        told.seek(0)
        assert ended.returncode == 0, told.read()[-3000:]
    return [json.loads(line) for line in ended.stdout.splitlines()]


def shown(verdict):
    """What was mutated, what went wrong, and how to see it alone."""
    return (
        f"{verdict['words']} with {verdict['what']} {verdict['environment'] or ''}\n"
        f"    {'; '.join(verdict['faults'])}\n    {verdict['kind']}\n    {verdict['stderr'].strip()[-300:]}\n"
        f"    alone: python tests/helpers/fuzz_forks.py --alone {verdict['seed']} {verdict['number']}"
    )
