"""experiments/performance/clv.py on few rows: what it writes, and that it refuses contenders that differ."""

import importlib
import json
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_ml.clv import BetaGeo, GammaGamma

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "experiments" / "performance"
README = "before\n<!-- clv -->\nold\n<!-- end of clv -->\nafter\n"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.syspath_prepend(ROOT / "experiments" / "002_clv")


def script(name="clv"):
    return importlib.import_module(name)


def histories(n=400):
    return script("clv_cases").simulate(n, np.random.default_rng(3))


APART = ("fit_drawn", "lifetimes_value")  # whose processes are their own in the test too


def once_and_here(monkeypatch, clv, cases):
    """Let most contenders run once and in this process: a process each is what the real measurement needs."""
    apart = clv.resources

    def here(path, given, environment):
        name, folder = given
        if name in APART:
            return apart(path, given, environment)
        started = time.perf_counter()
        cases.main(name, folder)
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {"wall_s": time.perf_counter() - started, "peak_gb": used.ru_maxrss * 1024 / 1e9}

    monkeypatch.setattr(clv, "resources", here)
    for name, (load, _) in cases.CONTENDERS.items():
        monkeypatch.setitem(cases.CONTENDERS, name, (load, 1))


@pytest.mark.rota("scripts of experiments", 1)
@pytest.mark.slow
def test_quick_run_compares_all_cases_and_writes_its_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    clv = script()
    once_and_here(monkeypatch, clv, script("clv_cases"))
    assert clv.main(["--quick", "--folder", str(tmp_path)]) == 0
    cases = json.loads((tmp_path / "clv.json").read_text(encoding="utf-8"))["cases"]
    assert [one["case"] for one in cases] == [one.name for one in clv.CASES]
    assert [one["rows"] for one in cases] == [69_659] * 3 + [23_570] + [1_500] * 4
    for one in cases:
        assert one["agreement"]
        contenders = ["crm_ml"] if one["lifetimes"] is None else ["crm_ml", "lifetimes"]
        for name in contenders:
            assert 0 < one[name]["cpu_s"] < one[name]["process_wall_s"] * 16
            assert one[name]["peak_gb"] > 0.01
        if len(contenders) > 1:
            assert one["times_as_fast"] == pytest.approx(one["lifetimes"]["cpu_s"] / one["crm_ml"]["cpu_s"])
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- clv -->\n| case |")
    assert text.endswith("<!-- end of clv -->\nafter\n")
    assert "old" not in text
    printed = capsys.readouterr()
    assert "value of 12 months" in printed.out
    assert "Warning" not in printed.err


def test_readme_has_the_markers_once():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert text.count("<!-- clv -->") == text.count("<!-- end of clv -->") == 1


def test_targets_are_met_or_missed(tmp_path):
    clv = script()
    histories().to_parquet(tmp_path / "rows.parquet")
    case = clv.Case("name", "rows.parquet", "a", "b", lambda *_: {"far": 0.0}, faster=4, seconds=2)
    runs = {"a": {"cpu_s": 1.0, "peak_gb": 0.1}, "b": {"cpu_s": 5.0, "peak_gb": 0.1}}
    row = clv.judge(case, tmp_path, runs)
    assert (row["times_as_fast"], row["rows"], clv._cells(row)[-1]) == (5.0, 400, "met")
    for changed in ({"a": runs["a"] | {"cpu_s": 2.1}}, {"b": runs["b"] | {"cpu_s": 3.9}}):
        assert clv._cells(clv.judge(case, tmp_path, runs | changed))[-1] == "**missed**"


def test_summaries_that_differ_are_refused(tmp_path):
    clv = script()
    frame = histories(50).assign(monetary_value=10.0).set_index(pd.Index([f"c{i}" for i in range(50)]))
    frame.to_parquet(tmp_path / "ours.parquet")
    frame.iloc[::-1].to_parquet(tmp_path / "theirs.parquet")
    assert max(clv.same_summary(tmp_path, "ours", "theirs").values()) == 0
    for other in (frame.assign(T=frame["T"] + 1e-12), frame.assign(monetary_value=10.0 + 1e-8)):
        other.to_parquet(tmp_path / "theirs.parquet")
        with pytest.raises(SystemExit, match="differs from theirs"):
            clv.same_summary(tmp_path, "ours", "theirs")
    frame.iloc[1:].to_parquet(tmp_path / "theirs.parquet")
    with pytest.raises(SystemExit, match="other customers"):
        clv.same_summary(tmp_path, "ours", "theirs")


def test_fits_of_another_likelihood_or_below_theirs_are_refused(tmp_path):
    clv = script()
    histories().to_parquet(tmp_path / clv.SIMULATED)
    model = BetaGeo().fit(histories())
    best, value = model.theta_.tolist(), model.log_likelihood_
    worse = [best[0] + 0.01, *best[1:]]
    for ours, theirs, own, wrong in (
        (best, best, value, None),
        (worse, best, value, "at the parameters found"),
        (best, best, value * (1 + 1e-8), "likelihood differs by 1e-08|likelihood differs by -1e-08"),
    ):
        (tmp_path / "ours.json").write_text(json.dumps({"theta": ours}), encoding="utf-8")
        found = json.dumps({"theta": theirs, "log_likelihood": own})
        (tmp_path / "theirs.json").write_text(found, encoding="utf-8")
        if wrong is None:
            assert clv.same_likelihood(tmp_path, "ours", "theirs")["log_likelihood"] == pytest.approx(value)
        else:
            with pytest.raises(SystemExit, match=wrong):
                clv.same_likelihood(tmp_path, "ours", "theirs")


def test_values_that_differ_are_refused(tmp_path):
    clv = script()
    frame = histories().assign(monetary_value=lambda rows: np.where(rows["frequency"] > 0, 20 + rows["T"], 0))
    frame.attrs["time_unit"] = "W"
    frame.to_parquet(tmp_path / clv.SOME)
    models = {"purchases": BetaGeo().fit(frame), "spend": GammaGamma().fit(frame)}
    text = json.dumps({name: model.as_dict() for name, model in models.items()})
    (tmp_path / "models.json").write_text(text, encoding="utf-8")
    script("clv_cases").main("value", tmp_path)
    (tmp_path / "lifetimes.parquet").write_bytes((tmp_path / "value.parquet").read_bytes())
    with pytest.raises(SystemExit, match="by lifetimes' months"):  # ours are not discounted by months
        clv.same_value(tmp_path, "value", "lifetimes")


def test_intervals_that_differ_from_central_differences_are_refused(tmp_path):
    clv, cases = script(), script("clv_cases")
    frame = cases.spending(histories(), np.random.default_rng(5))
    frame.to_parquet(tmp_path / clv.SPENDING)
    models = {"purchases": BetaGeo().fit(frame), "spend": GammaGamma().fit(frame)}
    text = json.dumps({name: model.as_dict() for name, model in models.items()})
    (tmp_path / "models.json").write_text(text, encoding="utf-8")
    cases.main("value_with_interval", tmp_path)
    assert clv.same_interval(tmp_path, "value_with_interval", "")
    ends = pd.read_parquet(tmp_path / "value_with_interval.parquet")
    ends.assign(clv_high=ends["clv_high"] * (1 + 1e-6)).to_parquet(tmp_path / "wider.parquet")
    with pytest.raises(SystemExit, match="differs by"):
        clv.same_interval(tmp_path, "wider", "")


def test_a_case_without_a_rival_has_microseconds(tmp_path):
    clv = script()
    histories().to_parquet(tmp_path / "rows.parquet")
    case = clv.Case("name", "rows.parquet", "a", None, lambda *_: {"far": 0.0}, each=20)
    for cpu_s, judged in ((0.007, "met"), (0.009, "**missed**")):
        row = clv.judge(case, tmp_path, {"a": {"cpu_s": cpu_s, "peak_gb": 0.1}})
        assert row["times_as_fast"] is None and clv._cells(row)[-1] == judged


def test_simulated_histories_have_the_distribution_of_customers_followed_one_by_one():
    cases, n = script("clv_cases"), 40_000
    fast = cases.simulate(n, np.random.default_rng(1))
    followed = script("coverage_simulation").simulate(cases.PURCHASES, False, n, np.random.default_rng(2))
    for column in ("frequency", "recency", "T"):
        one, other = fast[column], followed[column]
        assert abs(one.mean() - other.mean()) < 4 * np.sqrt((one.var() + other.var()) / n), column
    for x in range(4):
        one, other = (frame.loc[frame["frequency"] == x, "recency"] for frame in (fast, followed))
        assert abs(len(one) - len(other)) < 4 * np.sqrt(len(one) + len(other)), x
        if x:
            error = np.sqrt(one.var() / len(one) + other.var() / len(other))
            assert abs(one.mean() - other.mean()) < 4 * error, x
