"""The CSV sink, and the command of all sinks."""

import csv
import json
import shutil
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from sink_world import AS_OF, KILLS, forks, kill_often, list_id, table, write_list

from crm_ml.delivery.loaders import csv_file
from crm_ml.errors import AlreadyPublished, InputError, IntegrityError
from crm_ml.score.load import main
from crm_ml.storage import manifest as artefacts

NUMBERS = {"slot": int, "expected_value_cents": int, "uplift": float}


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def read(folder):
    """Rows of the CSV in the types of the list, formulas as they were."""
    with next(folder.glob("*.csv")).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            for name, kind in NUMBERS.items():
                row[name] = kind(row[name]) if row[name] else None
            for name in ("as_of", "send_at"):
                row[name] = datetime.fromisoformat(row[name])
            for name in ("item_ids", "item_p"):
                row[name] = json.loads(row[name]) if row[name] else None
            yield {key: value[1:] if str(value).startswith("'=") else value for key, value in row.items()}


def test_rows_come_back_as_they_were_and_formulas_are_defused(tmp_path):
    found = write_list(tmp_path / "lists")
    loaded = csv_file.load(found, tmp_path / "out")
    assert loaded.rows == 1_000
    folder = tmp_path / "out" / found.name
    assert list(read(folder)) == table(1_000, list_id(found)).to_pylist()
    lines = (folder / "list-00001.csv").read_text("utf-8").splitlines()
    assert ",'=1+1," in "".join(lines[:9])
    assert ",-5," in "".join(lines[:9])
    manifest = artefacts.verify(folder)
    assert (manifest["list_id"], manifest["rows"]) == (list_id(found), 1_000)
    csv_file.load(found, tmp_path / "again")
    assert content(tmp_path / "again") == content(tmp_path / "out")


def test_a_list_is_written_once(tmp_path):
    found = write_list(tmp_path / "lists", 3)
    csv_file.load(found, tmp_path / "out")
    with pytest.raises(AlreadyPublished):
        csv_file.load(found, tmp_path / "out")
    (tmp_path / "out" / found.name / "list-00001.csv").write_text("")
    with pytest.raises(IntegrityError, match="has changed"):
        csv_file.load(found, tmp_path / "out")


def test_an_empty_list_is_a_header_alone(tmp_path):
    found = write_list(tmp_path / "lists", 0)
    assert csv_file.load(found, tmp_path / "out").rows == 0
    text = (tmp_path / "out" / found.name / "list-00001.csv").read_text("utf-8")
    assert text == ",".join(table(0, "").column_names) + "\n"


def test_a_type_without_a_form_is_refused(tmp_path):
    found = write_list(tmp_path / "lists", 1, seen=pa.array([AS_OF.replace(tzinfo=None)], pa.timestamp("us")))
    with pytest.raises(InputError, match=r"column seen is timestamp\[us\]"):
        csv_file.load(found, tmp_path / "out")
    assert content(tmp_path / "out") == {}
    assert AS_OF.tzinfo == UTC


@pytest.mark.soak("kills", KILLS)
def test_kills_at_any_moment_show_no_part_of_it(tmp_path):
    found, out = write_list(tmp_path / "lists", 8_000), tmp_path / "out"
    csv_file.load(found, tmp_path / "reference")
    reference, folder = content(tmp_path / "reference"), out / found.name

    def check():
        seen = {key: value for key, value in content(out).items() if not key.startswith(".")}
        assert seen in ({}, reference)

    def reset():
        shutil.rmtree(folder, ignore_errors=True)

    ask = forks()

    def run(**how):
        return ask("load", found, "--into", f"csv:{out}", **how)["code"]

    whole = ask("load", found, "--into", f"csv:{out}")
    assert whole["code"] == 0
    reset()
    kill_often(run, whole["seconds"], reset, check)
    run(kill_after=whole["seconds"] / 2)
    assert run() in (0, 3)
    assert content(out) == reference
    assert run() == 3
    assert sorted(ask("load", found, "--into", f"csv:{tmp_path / 'two'}", twice=True)["codes"]) == [0, 3]
    assert content(tmp_path / "two") == reference


def test_the_command_tells_and_returns_exit_codes(tmp_path, capsys):
    found = write_list(tmp_path / "lists", 1_234)
    into = ["--into", f"csv:{tmp_path / 'out'}"]
    assert main([str(found), *into]) == 0
    assert "1,234 rows are in" in capsys.readouterr().out
    assert main([str(found), *into]) == 3
    assert main([str(tmp_path), *into]) == 2
    for wrong in ("csv:", "parquet:x", "crm.duckdb", "postgres:x"):
        assert main([str(found), "--into", wrong]) == 2
    (found / "list.parquet").write_bytes(b"PAR1")
    assert main([str(found), *into]) == 4
    assert "has changed" in capsys.readouterr().err


@pytest.mark.parametrize(("change", "says"), [({"rows": 5}, "3 rows, but the manifest says 5"), ({}, "")])
def test_the_number_of_rows_is_checked(tmp_path, change, says):
    found = write_list(tmp_path / "lists", 3)
    manifest = json.loads((found / "manifest.json").read_text())
    (found / "manifest.json").write_text(json.dumps(manifest | change))
    if says:
        with pytest.raises(IntegrityError, match=says):
            csv_file.load(found, tmp_path / "out")
    else:
        assert csv_file.load(found, tmp_path / "out").rows == 3
