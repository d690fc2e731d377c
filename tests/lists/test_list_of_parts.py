"""A list has the same bytes for any number of parts and however customers were dealt to them."""

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm_ml import Action
from crm_ml.allocation.price_rule import price_rule
from crm_ml.lists import merged_rows as merging
from crm_ml.lists.list_columns import of_list, of_not_selected
from crm_ml.lists.list_file import ListHeader, write_files, write_rows
from crm_ml.lists.merged_rows import merged_rows
from crm_ml.lists.not_selected import HoldOutShares, merge_not_selected, write_not_selected

ACTIONS = [
    Action.simple("coupon", "mail", cost=1, margin=40, effect=0.1, score="p_churn"),
    Action.simple("flyer", "push", cost=1, margin=40, effect=0.1),
]
HEADER = ListHeader(
    as_of=datetime(2024, 6, 1, tzinfo=UTC),
    models={"churn": "ab" * 16},
    policy="cd" * 16,
    data="ef" * 16,
    consent_basis="assumed",
    actions=ACTIONS,
    value_bases=("model", "assumed"),
)
REASONS = {"p_churn": lambda rows: [[f"days={days:g} (+0.10)"] for days in rows["days"]]}
SHARES = HoldOutShares(0.1, {"coupon": 0.2})


def customers(n, rng):
    """Ids whose order as bytes is neither that of numbers nor that of UTF-16."""
    starts = rng.choice(["", "a", "Z", "é", "\uffee", "\U0001f600"], n)
    return sorted(f"{start}{number}" for number, start in enumerate(starts))


def decided(ids, rng):
    n = len(ids)
    return pa.table(
        {
            "customer_id": ids,
            "action": pa.array(rng.integers(0, 2, n), pa.int32()),
            "price_paid": rng.random(n),
            "arm": rng.choice(["treat", "explore"], n).astype(object),
            "propensity": rng.random(n),
            "expected_value_cents": rng.integers(-5, 900, n),
            "priority": rng.random(n),
            "runner_up": pa.array(rng.integers(0, 2, n), pa.int32(), mask=rng.random(n) < 0.3),
            "p_churn": rng.random(n),
            "clv_cents": pa.nulls(n, pa.int64()),
            "p_response": pa.nulls(n, pa.float64()),
            "uplift": pa.nulls(n, pa.float64()),
            "send_at_epoch_s": pa.array(
                rng.integers(1_717_200_000, 1_717_290_000, n), mask=rng.random(n) < 0.1
            ),
            "item_ids": [None if i % 3 else ["x", "y"] for i in range(n)],
            "item_p": [None if i % 3 else [0.5, None] for i in range(n)],
            "item_reasons": [None if i % 3 else [None, "bought with x"] for i in range(n)],
            "days": rng.random(n),
        }
    )


def weighed(ids, rng):
    n = len(ids)
    columns = {"customer_id": ids, "universal": rng.random(n) < 0.1}
    for number in range(len(ACTIONS)):
        status = rng.integers(0, 7, n)
        value = pa.array(rng.random(n) * 100, mask=status < 5)
        columns |= {f"status_{number}": pa.array(status, pa.int8()), f"value_{number}": value}
        columns[f"money_{number}"] = value
    return pa.table(columns)


def dealt(n, parts, rng):
    """Rows of each part, in order."""
    part = rng.integers(0, parts, n)
    return [np.flatnonzero(part == number) for number in range(parts)]


@pytest.fixture(params=[1, 8])
def parts(request, monkeypatch):
    monkeypatch.setattr(merging, "ROWS_AT_ONCE", 64)
    monkeypatch.setattr(merging, "_FEWEST_ROWS", 7)
    return request.param


def write_list(table, deal, folder):
    """Write the list of some customers, dealt to parts; return the bytes of its files."""
    files = []
    folder.mkdir()
    for number, rows in enumerate(deal):
        source, path = folder / f"decided-{number}.parquet", folder / f"rows-{number}.parquet"
        pq.write_table(table.take(rows), source)
        assert write_rows(source, HEADER, REASONS, path) == len(rows)
        files.append(path)
    content = folder / "content"
    content.mkdir()
    assert write_files(files, HEADER, content, {"currency": "EUR"}) == len(table)
    return {path.name: path.read_bytes() for path in content.iterdir()}


def test_list_page_and_manifest_have_the_same_bytes(parts, tmp_path):
    rng = np.random.default_rng(8)
    ids = customers(1500, rng)
    table = decided(ids, rng)
    deal = [*dealt(len(ids), parts, rng), np.array([], dtype=int)]
    whole = write_list(table, [np.arange(len(ids))], tmp_path / "whole")
    assert write_list(table, deal, tmp_path / "parts") == whole
    written = pq.read_table(tmp_path / "parts" / "content" / "list.parquet")
    assert written["customer_id"].to_pylist() == ids
    assert written.schema.equals(of_list())


def test_those_not_selected_have_the_same_bytes(parts, tmp_path):
    rng = np.random.default_rng(9)
    ids = customers(1500, rng)
    table = weighed(ids, rng)
    action, propensity = rng.integers(-1, 2, len(ids)), rng.random(len(ids))
    values = np.column_stack([table[f"value_{number}"].to_numpy() for number in range(2)])
    rule = price_rule([(values, action)], np.zeros(2))

    def write(rows, name):
        source, path = tmp_path / f"weighed-{name}.parquet", tmp_path / f"not-selected-{name}.parquet"
        pq.write_table(table.take(rows), source)
        allocation = SimpleNamespace(action=action[rows], propensity=propensity[rows], rule=rule)
        write_not_selected(source, allocation, HEADER, SHARES, path)
        return path

    whole = write(np.arange(len(ids)), "whole")
    deal = [write(rows, number) for number, rows in enumerate(dealt(len(ids), parts, rng))]
    assert merge_not_selected(deal, tmp_path / "others.parquet") == pq.read_metadata(whole).num_rows > 300
    assert (tmp_path / "others.parquet").read_bytes() == whole.read_bytes()


def test_rows_of_a_customer_keep_their_order_also_over_the_end_of_what_is_read(monkeypatch, tmp_path):
    monkeypatch.setattr(merging, "ROWS_AT_ONCE", 4)
    monkeypatch.setattr(merging, "_FEWEST_ROWS", 2)
    schema = pa.schema({"customer_id": pa.string(), "slot": pa.int32()})
    for number, ids in enumerate([["a", "a", "a", "a", "a", "d", "e"], ["b", "c", "c", "c"], []]):
        table = pa.table({"customer_id": ids, "slot": range(len(ids))}, schema=schema)
        pq.write_table(table, tmp_path / f"{number}.parquet")
    merged = list(merged_rows([tmp_path / f"{number}.parquet" for number in range(3)], schema))
    assert len(merged) > 2
    rows = pa.concat_tables(merged).to_pydict()
    assert "".join(rows["customer_id"]) == "aaaaabcccde"
    assert rows["slot"] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 5, 6]
    assert list(merged_rows([], of_not_selected())) == []
