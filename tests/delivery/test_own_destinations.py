"""An exporter and a loader of a company's own, in a package outside of crm_ml, by name and by entry point."""

import sys

import pytest
from export_world import row, write_list
from sink_world import write_list as write_sink_list

from crm_ml.delivery.exporters.export_plan import Options
from crm_ml.delivery.exporters.exporters import plan_of, tool_names
from crm_ml.delivery.loaders.loaders import forms, loader_of
from crm_ml.errors import ConfigError
from crm_ml.score.export import main as export
from crm_ml.score.load import main as load
from crm_ml.storage import manifest

TOOLS = """
from crm_ml.delivery.exporters import ExportPlan
from crm_ml.delivery.exporters.export_plan import Cell
from crm_ml.delivery.exporters.readback import Shape, blank, breaches_of, files_of

def loyalty(options):
    options.allow()
    return ExportPlan((Cell("member", "customer_id"), Cell("offer", "action_id")), validate, "loyalty")

def validate(path):
    shape = Shape(("member", "offer"), tuple(blank("member")), ("member",))
    return breaches_of(files_of(path, ".csv"), shape)

def no_plan(options):
    return {}
"""
PLACES = """
from pathlib import Path
from crm_ml.delivery.loaders.load_once import Loaded, refuse_loaded, verify

class Ids:
    TARGET = "FILE"

    def load(self, folder, target):
        verified, file = verify(folder), Path(target)
        if file.exists():
            refuse_loaded(verified, file.read_text().split()[0], file.name)
        ids = [str(key) for batch in verified.batches() for key in batch["customer_id"]]
        file.write_text("\\n".join([verified.sha256, *ids]))
        return Loaded(verified.list_id, verified.rows, target)

class NoLoader:
    pass
"""


@pytest.fixture
def acme(tmp_path, monkeypatch):
    """Install a package of a company's own, with an entry point of each group."""
    site = tmp_path / "site"
    package, metadata = site / "acme_crm", site / "acme_crm-1.0.dist-info"
    package.mkdir(parents=True)
    metadata.mkdir()
    (package / "__init__.py").write_text("")
    (package / "tools.py").write_text(TOOLS)
    (package / "places.py").write_text(PLACES)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-crm\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[crm_ml.exporters]\nloyalty = acme_crm.tools:loyalty\n[crm_ml.loaders]\nids = acme_crm.places:Ids\n"
    )
    monkeypatch.syspath_prepend(str(site))
    yield site
    for name in [name for name in sys.modules if name.split(".")[0] == "acme_crm"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "shown"), [("loyalty", "loyalty"), ("acme_crm.tools:loyalty", "acme-crm-tools-loyalty")]
)
def test_an_exporter_of_ones_own_exports_and_is_checked(acme, tmp_path, name, shown):
    found, out = write_list(tmp_path / "lists", [row("a"), row("b", "news")]), tmp_path / "out"
    assert acme.is_dir()
    assert export([str(found), "--to", name, "--out", str(out)]) == 0
    (folder,) = out.iterdir()
    assert folder.name.startswith(f"{found.name}-{shown}-")
    assert (folder / "loyalty-00001.csv").read_text() == "member,offer\na,coupon\nb,news\n"
    assert manifest.verify(folder)["tool"] == name
    assert export([str(found), "--to", name, "--out", str(out)]) == 3
    assert export([str(found), "--to", name, "--by", "email", "--out", str(out)]) == 2


@pytest.mark.parametrize("name", ["ids", "acme_crm.places:Ids"])
def test_a_loader_of_ones_own_loads_once(acme, tmp_path, name, capsys):
    found, target = write_sink_list(tmp_path / "lists", 3), tmp_path / "ids.txt"
    assert acme.is_dir()
    assert load([str(found), "--into", f"{name}:{target}"]) == 0
    assert capsys.readouterr().out.endswith(f": 3 rows are in {target}\n")
    assert target.read_text().split()[1:] == ["c0000000", "c0000001", "c0000002"]
    assert load([str(found), "--into", f"{name}:{target}"]) == 3


def test_entry_points_are_among_the_names(acme):
    assert acme.is_dir()
    assert tool_names() == [
        "braze",
        "braze-cloud",
        "google",
        "klaviyo",
        "loyalty",
        "meta",
        "salesforce",
        "sms",
        "wecom",
    ]
    assert forms() == "csv:PATH, duckdb:PATH, postgres: or ids:"
    assert "acme_crm.tools" not in sys.modules  # a name is enough, nothing is loaded


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("loyal", "there is no exporter 'loyal'; there are braze, .*, loyalty, meta"),
        ("acme_crm.tools:absent", "module acme_crm.tools has no absent"),
        ("acme_crm.absent:loyalty", "there is no module acme_crm.absent"),
        ("acme_crm.tools:no_plan", "returns dict and not the ExportPlan"),
        ("acme_crm.tools:TOOLS", "has no TOOLS"),
        ("acme_crm.tools:__name__", "can't be called"),
        ("math:sqrt", "can't be called with the options of an export"),
    ],
)
def test_what_is_no_exporter_is_refused_before_the_list_is_read(acme, name, says):
    assert acme.is_dir()
    with pytest.raises(ConfigError, match=says):
        plan_of(Options(to=name))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("acme_crm.places:NoLoader:x", "acme_crm.places:NoLoader is no loader: it needs TARGET and load"),
        ("acme_crm.places:Absent:x", "module acme_crm.places has no Absent"),
        ("acme_crm.places:Ids", "there is no FILE"),
        ("csv:", "there is no PATH"),
        ("crm.duckdb", "--into names csv:PATH, duckdb:PATH, postgres: or ids:, or a loader of one's own"),
    ],
)
def test_what_is_no_loader_is_refused(acme, text, says):
    assert acme.is_dir()
    with pytest.raises(ConfigError, match=says):
        loader_of(text)


@pytest.mark.parametrize(
    "address", ["mysql://crm:geheim@host/db", "crm:geheim", "crm:geheim@host:5432/geheim"]
)
def test_an_address_is_not_repeated(address):
    with pytest.raises(ConfigError) as refused:
        loader_of(address)
    assert "geheim" not in str(refused.value)
