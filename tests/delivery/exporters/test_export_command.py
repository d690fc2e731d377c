"""The export command: exit codes, what it shows, and kills at any moment."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import export_world as world
import pytest
import sink_world
from export_world import CONTACTS, USUAL, row, write_contacts, write_list
from soak import generator, size

from crm_ml.delivery.exporters import klaviyo
from crm_ml.delivery.exporters.export_plan import ExportPlan
from crm_ml.score.export import main
from crm_ml.storage import manifest

KILLS = size(3, 10, 100)


def content(folder):
    return {
        one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()
    }


def test_the_command_tells_what_was_left_out_and_no_address(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    found, out = write_list(tmp_path / "lists", USUAL), tmp_path / "out"
    contacts = write_contacts(tmp_path / "contacts.csv", CONTACTS)
    arguments = [str(found), "--to", "klaviyo", "--contacts", str(contacts), "--out", str(out)]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    for line in ("rows in the list", "left out: bad_email", "left out: not_opted_in", "files", "17", "6"):
        assert line in shown
    assert "example.com" not in shown
    assert main(arguments) == 3
    assert "already" in capsys.readouterr().err
    assert main([*arguments, "--channel", "email", "--action", "news"]) == 0
    (found / "list.parquet").write_bytes(b"PAR1")
    assert main(arguments) == 4


def test_exit_code_2_names_every_wrong_option(tmp_path, capsys):
    found = str(write_list(tmp_path / "lists", [row("a")]))
    assert main([found, "--to", "sms", "--by", "pigeon", "--default-country", "germany"]) == 2
    error = capsys.readouterr().err
    assert "2 mistakes" in error
    assert "default_country" in error
    assert main([str(tmp_path), "--to", "braze", "--out", str(tmp_path / "out")]) == 2
    assert main([found, "--to", "braze", "--out", str(Path(found) / "list.parquet")]) == 2


def test_newest_list_of_a_name_goes_to_the_folder_of_exports(tmp_path, monkeypatch):
    found = write_list(tmp_path / "lists", [row("a")])
    pointer = f'{{"folder": "{found.name}", "as_of": "2024-06-01"}}'
    (tmp_path / "lists" / "latest.json").write_text(pointer)
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    assert main([str(tmp_path / "lists"), "--to", "braze"]) == 0
    (folder,) = (tmp_path / "data" / "exports").iterdir()
    assert folder.name.startswith(f"{found.name}-braze-")
    manifest.verify(folder)


def test_nothing_is_published_that_breaks_a_rule(tmp_path, monkeypatch, capsys):
    """A plan whose cells are no e-mail addresses: its own validator stops it."""
    contacts = write_contacts(tmp_path / "contacts.csv", [{"customer_id": "a", "email": "a@b.cd"}])
    found = write_list(tmp_path / "lists", [row("a")])
    sound = klaviyo.plan

    def wrong(options) -> ExportPlan:
        one = sound(options)
        cells = (world_cell(one.cells[0].name), *one.cells[1:])
        return type(one)(**{**vars(one), "cells": cells})

    monkeypatch.setitem(klaviyo.TOOLS, "klaviyo", wrong)
    arguments = [str(found), "--to", "klaviyo", "--contacts", str(contacts), "--out", str(tmp_path / "out")]
    assert main(arguments) == 4
    assert "nothing is published: klaviyo-00001.csv: Email Address is none" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def world_cell(name):
    from crm_ml.delivery.exporters.export_plan import Cell

    return Cell(name, "customer_id", text=False)


@pytest.mark.soak("kills", KILLS)
def test_kills_at_any_moment_show_no_part_of_an_export(tmp_path):
    rows = [row(f"c{i:05d}") for i in range(3_000)]
    contacts = [{"customer_id": one["customer_id"], "email": f"{one['customer_id']}@b.cd"} for one in rows]
    found, path = write_list(tmp_path / "lists", rows), write_contacts(tmp_path / "contacts.csv", contacts)
    world.export(found, "google", tmp_path / "reference", path)
    reference, out = content(tmp_path / "reference"), tmp_path / "out"
    draw, killed = generator("kills of an export"), 0
    ask = sink_world.forks()

    def run(folder, **how):
        return ask("export", found, "--to", "google", "--contacts", path, "--out", folder, **how)

    whole = run(tmp_path / "whole")
    assert whole["code"] == 0
    for _ in range(6 * KILLS):
        killed += run(out, kill_after=whole["seconds"] * draw.random())["code"] == -signal.SIGKILL
        seen = (
            {key: text for key, text in content(out).items() if not key.startswith(".")}
            if out.exists()
            else {}
        )
        assert seen in ({}, reference)
        if seen:
            shutil.rmtree(out)
        if killed == KILLS:
            break
    assert killed == KILLS
    assert run(out)["code"] in (0, 3)
    assert content(out) == reference
    assert run(out)["code"] == 3
    assert sorted(run(tmp_path / "two", twice=True)["codes"]) == [0, 3]


@pytest.mark.parametrize("limit", [2_000, 60_000])
def test_a_full_disk_is_one_clear_error_that_leaves_nothing(tmp_path, limit):
    rows = [row(f"c{i:05d}") for i in range(3_000)]
    found = write_list(tmp_path / "lists", rows)
    code = (  # the limit comes last, and no module is compiled under it
        "import resource, sys, duckdb, pyarrow.parquet, crm_ml.delivery.exporters.export_job\n"
        "from crm_ml.score.export import main\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit},) * 2)\n"
        f"sys.exit(main([{str(found)!r}, '--to', 'braze', '--out', {str(tmp_path / 'out')!r}]))"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "CRM_ML_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "nothing was published" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []
