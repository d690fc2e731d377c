"""Processes beside each other: their results, their errors, and nothing secret on their streams."""

import os
import sys
import time
import warnings
from pathlib import Path

import pytest

from crm_ml.error_report import write_report
from crm_ml.parts.workers import LocalWorkers
from crm_ml.score_tables.drift_gate import DriftLimit

SECRET = "hunter2hunter2"
CUSTOMERS = ("Jane Doe", "John Doe")
KEPT = []


def telling(number):
    """Work that prints, warns and logs what it should not."""
    for stream in (sys.stdout, sys.stderr):
        stream.write(f"connect with {os.environ['SHOP_PASSWORD']}\n")
        stream.flush()
    warnings.warn(f"no driver for postgresql://reader:{SECRET}@db/shop", stacklevel=1)
    return number, os.getpid()


def failing(cell):
    raise ValueError(f"could not convert {cell!r}")


def refusing(number):
    if number in (2, 3):
        raise DriftLimit(f"part {number} is unlike the others")
    return number


def test_workers_show_no_secret_and_their_results_come_in_the_order_of_the_parts(capfd, monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    found = list(LocalWorkers(2).map(telling, [5, 3, 9, 0]))
    printed = "".join(capfd.readouterr())
    assert [number for number, _ in found] == [5, 3, 9, 0]
    assert os.getpid() not in {process for _, process in found}
    assert printed.count("***") > 8 and "connect with ***" in printed and "no driver for" in printed
    assert SECRET not in printed


def test_an_error_of_a_worker_is_the_same_error_here_and_its_report_has_no_cell():
    with pytest.raises(ValueError, match="could not convert") as unexpected:
        list(LocalWorkers(2).map(failing, CUSTOMERS))
    cause = str(unexpected.value.__cause__)
    assert "in a worker:" in cause and "test_local_workers.py" in cause
    report = Path(write_report(unexpected.value))
    text = report.read_text(encoding="utf-8")
    report.unlink()
    assert "Jane" not in text and "'aaaa aaa'" in text and "failing" in text
    with pytest.raises(DriftLimit, match=r"^part 2 is unlike the others$") as refused:
        list(LocalWorkers(2).map(refusing, range(4)))
    assert refused.value.exit_code == 5


def growing(number):
    """Work that keeps 400 MB of some parts: joblib ends such a worker and starts another."""
    KEPT.append(bytearray(b"x") * 400_000_000 if number in (4, 5) else b"")
    time.sleep(1.2)
    return number


@pytest.mark.slow
@pytest.mark.timeout(90)
def test_a_worker_that_grew_is_replaced_though_warnings_are_errors():
    """Its warning, as an error, ended the thread that hands out the results: the call never came back."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(LocalWorkers(2).map(growing, range(12))) == list(range(12))


def begun(task):
    """Leave a file when a part begins and one when it ends; the first part fails."""
    folder, number = task
    (folder / f"begun {number}").touch()
    if number == 0:
        raise ValueError("the first part fails")
    time.sleep(0.3)
    (folder / f"ended {number}").touch()


def test_after_an_error_no_part_begins_and_what_runs_comes_to_its_end(tmp_path):
    """A pool that was stopped while it handed out a part lost its thread now and then: KeyError in loky."""
    with pytest.raises(ValueError, match="the first part fails"):
        list(LocalWorkers(2).map(begun, [(tmp_path, number) for number in range(40)]))
    names = {path.name for path in tmp_path.iterdir()}
    started = {name.split()[1] for name in names if name.startswith("begun")} - {"0"}
    assert started == {name.split()[1] for name in names if name.startswith("ended")}
    assert len(started) < 6
