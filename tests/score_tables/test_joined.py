"""Scores stand beside the features of all known customers, each file read once."""

from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq

from crm_ml.score_tables.joined import ScoreTable, ScoreTables
from crm_ml.tables.engine import connect


def test_scores_of_channels_share_their_file_and_unknown_customers_have_none(tmp_path):
    paths = {name: tmp_path / f"{name} [1].parquet" for name in ("features", "churn", "answers")}
    pq.write_table(pa.table({"customer_id": ["a", "b", "c"], "x": [1, 2, 3]}), paths["features"])
    pq.write_table(pa.table({"customer_id": ["b", "a"], "p_churn": [0.2, 0.1]}), paths["churn"])
    pq.write_table(pa.table({"customer_id": ["c", "b"], "p_response": [0.7, 0.6]}), paths["answers"])
    churn, answers = (SimpleNamespace(columns=names) for names in (("p_churn",), ("p_response",)))
    tables = [
        ScoreTable(churn, paths["churn"]),
        ScoreTable(answers, paths["answers"], number=0),
        ScoreTable(answers, paths["answers"], number=3),
    ]
    joined = ScoreTables(paths["features"], tables).base(connect()).sort("customer_id")
    rows = joined.collect(backend="pyarrow").to_native().to_pylist()
    assert [(row["customer_id"], row["x"], row["p_churn"]) for row in rows] == [
        ("a", 1, 0.1), ("b", 2, 0.2), ("c", 3, None)
    ]  # fmt: skip
    assert [(row["p_response_0"], row["p_response_3"]) for row in rows] == [
        (None, None), (0.6, 0.6), (0.7, 0.7)
    ]  # fmt: skip
    assert {row["clv_cents"] for row in rows} == {None}  # what no table gives
