"""The names that a notebook uses are there, and cost nothing before they are asked for."""

import subprocess
import sys

import pytest

import crm_ml

PROGRAM = """
import time
begin = time.process_time()
import crm_ml
used = time.process_time() - begin
assert {"Action", "decide", "fit", "load_model"} <= set(dir(crm_ml))
import sys
modules = [name for name in sys.modules if name.startswith("crm_ml.")]
assert crm_ml.clv.__name__ == "crm_ml.clv"  # before anything else has imported it
print(used, *modules)
"""


def test_importing_takes_less_than_a_tenth_of_a_second_and_no_room():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    used, *modules = done.stdout.split()
    assert float(used) < 0.1
    assert set(modules) == {"crm_ml.threads", "crm_ml.version"}


def test_names_are_of_their_rooms():
    from crm_ml import tables
    from crm_ml.actions.catalog import Action
    from crm_ml.front.fit import fit

    assert crm_ml.Action is Action
    assert crm_ml.fit is fit
    assert crm_ml.tables is tables
    assert set(crm_ml._ROOMS) <= set(dir(crm_ml))
    for room in crm_ml._ROOMS:
        assert getattr(crm_ml, room).__name__ == f"crm_ml.{room}"
    with pytest.raises(AttributeError, match="module 'crm_ml' has no attribute 'fits'"):
        _ = crm_ml.fits
