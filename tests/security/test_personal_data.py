"""No cell of a person leaves the tables by a message, a report, a run or a file that need not have it."""

import json
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import canary_faults
import canary_project
import pandas as pd
import pytest
import soak
from stores import PROJECT
from third_party import third_party

from crm_ml import tables
from crm_ml.errors import ConfigError, CrmError, InputError
from crm_ml.storage.pseudonyms import KEY, pseudonyms
from crm_ml.tables.__main__ import main
from crm_ml.train.__main__ import main as train

CANARY = "Canary"
FAULTS = soak.drawn("faults of tables", list(canary_faults.faults()), soak.size(4, 12, 0))


def written(folder: Path) -> Iterator[str]:
    """Yield all that lies in a folder as text, Parquet files decoded."""
    import pyarrow.parquet as pq

    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        raw = path.read_bytes()
        yield f"{path.relative_to(folder)} {raw.decode('latin-1')}"
        if raw[:4] == b"PAR1":
            yield f"{path.relative_to(folder)} {pq.read_table(path).to_pydict()}"


def write_shop(folder: Path, **customers: Any) -> Path:
    """Write files in which every cell that names somebody holds a canary, and some rows are set aside."""
    people = "".join(f"c{n},{CANARY}{n % 9}@x.com,+49 {CANARY} {n},{CANARY} {n}\n" for n in range(20))
    (folder / "c.csv").write_text(f"customer_id,mail,phone,note\n{people},{CANARY}@x.com,{CANARY},{CANARY}\n")
    lines = "".join(
        f"o{n},1,c{n % 20},x,2024-01-{n % 28 + 1:02d},1,100,{CANARY} road {n}\n" for n in range(40)
    )
    header = "order_id,line_id,customer_id,item_id,ordered_at,quantity,paid_cents,address\n"
    (folder / "o.csv").write_text(f"{header}{lines}o99,1,c1,x,2024-02-01,1,,{CANARY} road\n")
    table = {
        "path": "c.csv",
        "attributes": {"mail": "mail"},
        "personal": ["mail", "phone"],
        "ignore": ["note"],
    }
    orders = {"path": "o.csv", "allow": {"null_paid_cents": 1}, "ignore": ["*"]}
    content = {"customers": table | customers, "order_lines": orders}
    (folder / "m.yaml").write_text(json.dumps({"name": "shop", "tables": content}))
    return folder / "m.yaml"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("data", "runs"):
        monkeypatch.setenv(f"CRM_ML_{name.upper()}", str(tmp_path / name))
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return tmp_path


def test_ignored_and_personal_columns_reach_no_file(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "Jefe")
    loaded = tables.load(write_shop(shop))
    texts = [
        text for name in ("data", "runs", "tmp") if (shop / name).exists() for text in written(shop / name)
    ]
    assert [text for text in texts if CANARY in text or "Jefe" in text] == []
    [mail] = pseudonyms([f"{CANARY}0@x.com"], b"Jefe")
    assert loaded.pandas("customers")["mail"].iloc[0] == mail
    [aside] = pseudonyms([f"{CANARY}@x.com"], b"Jefe")
    assert any("quarantine" in text and aside in text for text in texts)
    assert CANARY not in str(loaded.report)


def test_another_key_gives_other_pseudonyms_and_other_tables(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = write_shop(shop)
    drawn = tables.load(mapping)
    monkeypatch.setenv(KEY, "x" * 99)
    other = tables.load(mapping)
    assert drawn.fingerprint != other.fingerprint
    [mail] = pseudonyms([f"{CANARY}0@x.com"], b"x" * 99)
    assert (drawn.pandas("customers")["mail"].iloc[0] != mail, other.pandas("customers")["mail"].iloc[0]) == (
        True,
        mail,
    )


@pytest.mark.parametrize(
    ("customers", "told"),
    [
        ({"personal": ["customer_id"]}, "a list names it as the campaign tool does"),
        ({"personal": ["note"]}, "note is personal and ignored"),
        ({"personal": ["phone"], "where": "phone = 'x'"}, "where reads phone, which is personal"),
        ({"attributes": {"mail": {"column": "mail", "kind": "time"}}}, "a pseudonym is no time"),
        ({"columns": {"registered_at": "phone"}}, "only ids without cast and attributes of kind text"),
    ],
)
def test_a_personal_column_that_is_needed_as_it_is_is_refused(shop: Path, customers: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        tables.load(write_shop(shop, **customers))


def test_a_personal_column_that_is_not_there_is_refused(shop: Path) -> None:
    with pytest.raises(InputError, match="has no column e-mail, which is declared personal"):
        tables.load(write_shop(shop, personal=["e-mail"]))


def test_words_for_nothing_stay_nothing(shop: Path) -> None:
    mapping = write_shop(shop)
    text = (shop / "c.csv").read_text().replace(f"{CANARY}0@x.com", " ").replace(f"{CANARY}1@x.com", "N/A")
    (shop / "c.csv").write_text(text)
    mails = tables.load(mapping).pandas("customers")["mail"]
    assert mails.iloc[1] == "N/A"
    assert mails.isna().iloc[0] or not mails.iloc[0].strip()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_no_message_of_tables_has_a_cell(
    fault: canary_faults.Fault,
    shop: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    mapping = canary_faults.write(fault, shop, ("customers", "order_lines", "campaigns", "items"))
    code = main([str(mapping), "--json", str(shop / "report.json")])
    assert code in (0, 2)
    told = [*capfd.readouterr(), caplog.text]
    if code == 0:
        report = tables.load(mapping).report
        assert report is not None
        assert report.folder is not None
        told += [str(report), report._repr_html_(), (report.folder / "report.json").read_text()]
        told.append((shop / "report.json").read_text())
    assert canary_faults.CANARY not in "".join(told).replace(str(shop), "")


def test_a_guess_proposes_what_is_personal(shop: Path, capfd: pytest.CaptureFixture[str]) -> None:
    header = "order id,customer id,sku,date,qty,price,Billing Email,Telefon,contact,colour"
    rows = [f"o{n},k{n % 7},s{n % 5},2024-01-{n % 28 + 1},1,9.50,{CANARY}{n}@x.de,{n},+49 151 234{n},red"
            for n in range(40)]  # fmt: skip
    (shop / "orders.csv").write_text("\n".join([header, *rows]))
    assert main(["--guess", str(shop / "orders.csv"), "--out", str(shop / "guess.yaml")]) == 0
    text = (shop / "guess.yaml").read_text()
    assert "# say: personal: [Billing Email, Telefon, contact]" in text
    assert CANARY not in "".join(capfd.readouterr()) + text


@pytest.mark.slow
def test_a_run_and_its_model_have_no_cell_of_a_person(
    shop: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tried: Callable[[int], None],
) -> None:
    canary_project.write(shop)
    (shop / "configs/default.yaml").write_text((PROJECT / "configs/default.yaml").read_text())
    monkeypatch.chdir(shop)
    monkeypatch.setenv(KEY, "Jefe")
    with third_party():
        assert train(["churn/shop"]) == 0
    told = "".join(capfd.readouterr())
    runs, derived = ([*written(shop / name)] for name in ("runs", "data"))
    tried(len(runs) + len(derived) + 1)
    hidden = (canary_project.PERSONAL, canary_project.IGNORED)
    assert [
        text for text in (told, *runs) if any(name in text for name in (*hidden, canary_project.ID))
    ] == []
    assert [text for text in derived if any(name in text for name in hidden)] == []
    [town] = pseudonyms([f"{canary_project.PERSONAL} Hill"], b"Jefe")
    assert any("encoding.json" in text and town in text for text in runs)


@pytest.mark.usefixtures("shop")
def test_no_message_of_a_frame_has_a_cell(tried: Callable[[int], None]) -> None:
    rows = 20
    right = {
        "customer_id": [f"{CANARY}{n % 5}@x.com" for n in range(rows)],
        "order_id": [f"{CANARY}o{n}" for n in range(rows)],
        "item_id": [f"{CANARY}i{n % 3}" for n in range(rows)],
        "ordered_at": pd.date_range("2024-01-01", periods=rows),
        "quantity": [1] * rows,
        "paid": [9.5] * rows,
    }
    roles = {"customer": "customer_id", "time": "ordered_at", "amount": "paid", "order": "order_id"}
    roles |= {"item": "item_id", "quantity": "quantity"}
    texts = [f"{CANARY}{n}@x.com" for n in range(rows)]
    wrong = [texts, [{CANARY: 1}] * rows, [[CANARY]] * rows, [CANARY.encode()] * rows, pd.Categorical(texts)]
    wrong.append([n if n % 2 else text for n, text in enumerate(texts)])
    every = [pd.DataFrame(right | {name: pd.Series(cells)}) for name in right for cells in wrong]
    frames = soak.drawn("faults of frames", every, soak.size(10, 20, 0))
    tried(len(frames))
    said = [_said(lambda frame=frame: str(tables.from_frame(frame, **roles).report)) for frame in frames]
    assert [text for text in said if CANARY in text] == []


def _said(call: Callable[[], str]) -> str:
    """Return what a call returns, or the traceback of an error of ours without the lines of code."""
    try:
        return call()
    except CrmError as error:
        return "".join(line for line in traceback.format_exception(error) if "File" not in line)


def test_keys_of_a_file_of_data_in_place_of_a_mapping_are_masked(shop: Path) -> None:
    (shop / "c.csv").write_text(f"{CANARY}@x.com: 1\n")
    with pytest.raises(ConfigError, match=r"Aaaaaa@a\.aaa: Extra inputs"):
        tables.load(shop / "c.csv")
