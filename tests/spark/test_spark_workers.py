"""Work of a number is done by a task of Spark as it would be here."""

from pathlib import Path

import pytest
from spark_cluster import killing_executor

from crm_ml.errors import ClusterFailed, ConfigError, DriftLimit
from crm_ml.parts import task_outcome

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("spark")]


def place_of_task():
    """Return work that tells where it is done and what it sees there."""

    def place(number):
        import os
        from pathlib import Path

        from crm_ml import environment

        return number, os.getppid(), str(Path.cwd()), environment.threads(), os.environ.get("CRM_ML_POSTGRES")

    return place


def refusing(wrong):
    """Return work that refuses some numbers."""

    def work(number):
        if number in wrong:
            raise DriftLimit(f"part {number} is unlike the others")
        return number

    return work


def test_results_come_in_the_order_of_numbers_from_both_workers_with_one_thread_and_no_secret(
    standalone, monkeypatch
):
    monkeypatch.setenv("CRM_ML_POSTGRES", "postgresql://reader:hunter2hunter2@db/shop")
    places = list(standalone.map(place_of_task(), [5, 3, 9, 0, 7, 1, 8, 2]))
    assert [place[0] for place in places] == [5, 3, 9, 0, 7, 1, 8, 2]
    assert len({place[1] for place in places}) == 2, "one daemon of Python a worker"
    assert {place[2:] for place in places} == {(str(Path.cwd()), 1, None)}
    assert list(standalone.map(place_of_task(), [])) == []


def test_an_error_of_a_task_is_the_same_error_here(standalone):
    with pytest.raises(DriftLimit, match=r"^part 2 is unlike the others$") as refused:
        list(standalone.map(refusing({2, 3}), range(4)))
    assert refused.value.exit_code == 5
    with pytest.raises(ZeroDivisionError) as unexpected:
        list(standalone.map(lambda number: 1 // number, range(2)))
    assert "in a worker:" in str(unexpected.value.__cause__)
    assert "1 // number" in str(unexpected.value.__cause__)


def test_a_worker_with_other_software_is_refused(standalone, monkeypatch):
    other = task_outcome.software() | {"duckdb": "0.1", "crm_ml": "0123"}
    monkeypatch.setattr(task_outcome, "software", lambda: other)
    with pytest.raises(ConfigError, match=r"duckdb .* \(driver: 0\.1\), crm_ml .* \(driver: 0123\)"):
        list(standalone.map(refusing(()), [0]))


def test_a_task_whose_executor_is_killed_is_done_again(standalone, cluster, tmp_path):
    log = tmp_path / "1.log"

    def work(number):
        import os
        import time

        with (tmp_path / f"{number}.log").open("a") as log:
            log.write(f"{os.getppid()}\n")
        while number == 1 and not (tmp_path / "killed").exists():
            time.sleep(0.05)
        return number * number

    with killing_executor(cluster, log, tmp_path / "killed"):
        assert list(standalone.map(work, range(4))) == [0, 1, 4, 9]
    assert len(log.read_text().split()) == 2


def test_a_task_that_ends_every_worker_is_told_in_one_sentence(standalone):
    def work(number):
        import os

        os._exit(number)

    with pytest.raises(ClusterFailed, match=r"^Spark gave up: .*run it again$"):
        list(standalone.map(work, [137]))
