"""Allocations: equal to an integer program where one can be solved, and proved good where none can."""

import importlib
import json
import sys

import numpy as np
import pytest
import scripts
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from soak import SEED, SOAK, size

from crm_ml.allocation.allocate import ActionGroup, allocate
from crm_ml.allocation.exchanges import improved
from crm_ml.allocation.integer_program import Tied
from crm_ml.errors import InputError

LISTS = size(12, 25, 125_000)  # of each of eight seeds
cases = scripts.plain("performance/allocation_cases.py")
lognormal, limits = cases.lognormal, cases.limits


def checked(found, values, given):
    """Recount everything from the values, costs and limits as they were given."""
    n, m = values.shape
    action = found.action.reshape(n, -1)
    x = np.zeros((n, m))
    for column in action.T:
        rows = np.flatnonzero(column >= 0)
        x[rows, column[rows]] += 1
    assert x.max() <= 1
    assert (x.sum(axis=1) <= given.get("max_actions", 1)).all()
    assert np.isfinite(values[x > 0]).all()
    eligible = given.get("eligible")
    assert eligible is None or eligible[x > 0].all()
    channels = np.array(given.get("channels", range(m)))
    if given.get("max_actions", 1) > 1:
        for name in set(channels):
            assert x[:, channels == name].sum(axis=1).max() <= 1
    for name, sign in (("action_caps", 1), ("action_minimums", -1)):
        for j, cap in enumerate(given.get(name) or []):
            assert cap is None or sign * x[:, j].sum() <= sign * cap
    for name, cap in given.get("channel_caps", {}).items():
        assert x[:, channels == name].sum() <= cap
    costs = given.get("costs")
    layers = [] if costs is None else costs if isinstance(costs, list) else [costs]
    for layer, budget in zip(layers, np.atleast_1d(given.get("budgets", [])), strict=False):
        assert (x * layer).sum() <= budget * (1 + 1e-9)
    assert found.value == pytest.approx(values[x > 0].sum())
    assert found.value <= found.upper_bound
    return x


def best(values, given):
    """Solve the whole integer program by HiGHS; None where it can't be met."""
    n, m = values.shape
    usable = np.isfinite(values) & given.get("eligible", np.ones((n, m), dtype=bool))
    rows, b = [], []

    def add(x, most):
        rows.append(x.ravel())
        b.append(most)

    channels = np.array(given.get("channels", [str(one) for one in range(m)]))
    for i in range(n):
        mine = np.zeros((n, m))
        mine[i] = 1
        add(mine, given.get("max_actions", 1))
        for name in set(channels) if given.get("max_actions", 1) > 1 else ():
            add(mine * (channels == name), 1)
    for j in range(m):
        column = np.zeros((n, m))
        column[:, j] = 1
        if given.get("action_caps"):
            add(column, given["action_caps"][j])
        if given.get("action_minimums"):
            add(-column, -given["action_minimums"][j])
    for name, cap in given.get("channel_caps", {}).items():
        add(np.ones((n, m)) * (channels == name), cap)
    costs = given.get("costs")
    layers = [] if costs is None else costs if isinstance(costs, list) else [costs]
    for layer, budget in zip(layers, np.atleast_1d(given.get("budgets", [])), strict=False):
        add(np.ones((n, m)) * layer, budget)
    found = milp(
        -np.where(usable, values, 0.0).ravel(),
        integrality=np.ones(n * m),
        bounds=Bounds(0, usable.ravel().astype(float)),
        constraints=LinearConstraint(np.array(rows), ub=np.array(b)),
        options={"mip_rel_gap": 0.0},
    )
    return None if found.x is None else -found.fun


def _small(rng):
    n, m = int(rng.integers(3, 25)), int(rng.integers(1, 6))
    values = np.round(rng.normal(1.0, 1.5, (n, m)), int(rng.integers(0, 4)))
    values[rng.random((n, m)) < 0.2] = -np.inf
    given = {}
    if rng.random() < 0.7:
        given["action_caps"] = rng.integers(1, n, m).tolist()
    if rng.random() < 0.3:
        given["action_minimums"] = rng.integers(0, max(1, n // (2 * m)) + 1, m).tolist()
        caps = given.get("action_caps", [n] * m)
        given["action_minimums"] = [min(one) for one in zip(given["action_minimums"], caps, strict=True)]
    if rng.random() < 0.5:
        given["channels"] = [f"c{one}" for one in rng.integers(0, 3, m)]
        given["channel_caps"] = {name: int(rng.integers(1, n)) for name in set(given["channels"])}
    kind = rng.integers(0, 4)
    layers = [rng.uniform(0.1, 2.0, m), rng.uniform(0.1, 2.0, (n, m))]
    if kind == 1:
        given |= {"costs": layers[int(rng.integers(0, 2))], "budgets": float(n * rng.uniform(0.2, 1.0))}
    if kind == 2:
        given |= {"costs": layers, "budgets": [float(n * rng.uniform(0.2, 1.0)) for _ in layers]}
    if rng.random() < 0.3:
        given["eligible"] = rng.random((n, m)) < 0.8
    given["max_actions"] = int(rng.integers(1, 4))
    return values, given


@pytest.mark.soak("random lists", LISTS)
@pytest.mark.parametrize("seed", range(8))
def test_small_ones_equal_the_integer_program(seed):
    rng = np.random.default_rng([SEED, seed] if SOAK else seed)
    met = 0
    for _ in range(LISTS):
        values, given = _small(rng)
        wanted = best(values, given)
        if wanted is None:
            with pytest.raises(InputError, match="the limits can't be met together"):
                allocate(values, **given)
            continue
        found = allocate(values, **given)
        checked(found, values, given)
        assert found.value == pytest.approx(wanted, abs=1e-6)
        met += 1
    assert met > LISTS // 4


@pytest.mark.parametrize("seed", range(4))
def test_bounds_and_limits_hold_where_only_some_customers_are_shared_out(seed, monkeypatch):
    search = importlib.import_module("crm_ml.allocation.search")
    monkeypatch.setattr(search, "_SMALL", 0)
    monkeypatch.setattr(search, "_GROUPS", 8)
    monkeypatch.setattr(search, "_NEAR", 3)
    rng, met = np.random.default_rng(100 + seed), 0
    for _ in range(20):
        values, given = _small(rng)
        wanted = best(values, given)
        if wanted is None:
            continue
        found = allocate(values, **given)
        checked(found, values, given)
        assert found.value <= wanted + 1e-6 <= found.upper_bound + 2e-6
        met += 1
    assert met > 8


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
@pytest.mark.parametrize("variant", cases.VARIANTS)
def test_ten_thousand_customers_are_proved_to_a_ten_thousandth(seed, variant):
    values, given = cases.case(10_000, seed, variant)
    found = allocate(values, **given)
    checked(found, values, given)
    assert found.gap <= 1e-4


def test_several_actions_of_different_channels_are_proved_too():
    values = lognormal(5_000, 8)
    given = {**limits(5_000, 8), "max_actions": 2}
    found = allocate(values, **given)
    x = checked(found, values, given)
    assert found.gap <= 2e-4
    assert (x.sum(axis=1) == 2).any()


def test_prices_are_what_one_more_unit_is_worth():
    n = 20_000
    values, given = lognormal(n, 6), limits(n, 6)
    found = allocate(values, **given)
    priced = [name for name, price in found.prices.items() if price > 1e-3]
    one_of_each = {name.rstrip("0123456789"): name for name in priced}.values()
    assert len(one_of_each) >= 2
    step = 40.0
    for name in one_of_each:
        more = {**given}
        if name.startswith("cap of action "):
            j = int(name.rpartition(" ")[2])
            more["action_caps"] = [cap + step * (one == j) for one, cap in enumerate(given["action_caps"])]
        elif name.startswith("cap of channel "):
            channel = name.rpartition(" ")[2]
            more["channel_caps"] = {**given["channel_caps"], channel: given["channel_caps"][channel] + step}
        else:
            more["budgets"] = given["budgets"] + step
        then = allocate(values, **more)
        gained = (then.value - found.value) / step
        slack = 0.02 * found.prices[name]  # whole numbers
        assert then.prices[name] - slack <= gained <= found.prices[name] + slack  # worth falls as more is had


def test_values_on_disk_and_in_memory_give_the_same(tmp_path):
    values = lognormal(10_000).astype(np.float32)
    disk = np.memmap(tmp_path / "values", dtype=np.float32, mode="w+", shape=values.shape)
    disk[:] = values
    given = limits(10_000)
    one, other, again = (allocate(part, **given) for part in (values, disk, values.copy()))
    for found in (other, again):
        np.testing.assert_array_equal(found.action, one.action)
        assert (found.value, found.upper_bound, found.prices) == (one.value, one.upper_bound, one.prices)


def test_without_limits_everybody_gets_the_best_and_nothing_that_costs():
    values = np.array([[1.0, 2.0], [-1.0, -2.0], [np.nan, 0.5], [0.0, -1.0]])
    found = allocate(values)
    assert found.action.tolist() == [1, -1, 1, -1]
    assert (found.value, found.upper_bound, found.gap) == (2.5, 2.5, 0.0)


def test_nobody_gets_nothing():
    found = allocate(np.empty((0, 3)), action_caps=[1, 2, 3])
    assert found.action.shape == (0,)
    assert (found.value, found.upper_bound, found.gap) == (0.0, 0.0, 0.0)


def test_a_minimum_is_kept_at_a_loss():
    found = allocate(np.array([[1.0, -2.0], [1.0, -0.5], [1.0, -1.0]]), action_minimums=[0, 2])
    assert found.action.tolist() == [0, 1, 1]
    assert found.prices["minimum of action 1"] > 0


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(InputError) as caught:
        allocate(
            np.ones((4, 2)), costs=[-1.0, np.nan], eligible=np.ones((4, 3), dtype=bool), action_caps=[1],
            channels=["a", "b"], channel_caps={"c": 1}, budgets=[1.0, 2.0], max_actions=0,
        )  # fmt: skip
    for words in (
        "eligible has shape (4, 3)",
        "1 costs are below 0",
        "1 costs are not finite",
        "2 budgets for 1 layers",
        "1 action_caps for 2 actions",
        "channels that no action has: c",
        "max_actions is 0",
    ):
        assert words in str(caught.value)
    with pytest.raises(InputError, match="actions 1 have a minimum above their cap"):
        allocate(np.ones((4, 2)), action_caps=[1, 1], action_minimums=[0, 2])
    with pytest.raises(InputError, match="1 limits are below 0"):
        allocate(np.ones((4, 2)), action_caps=[-1, 1])
    with pytest.raises(InputError, match="values have shape"):
        allocate(np.ones(3))


@pytest.mark.rota("scripts of experiments", 1)
@pytest.mark.slow
def test_the_script_of_speed_writes_its_tables(tmp_path, monkeypatch):
    script = scripts.load("performance/allocation.py", monkeypatch)
    readme = tmp_path / "README.md"
    readme.write_text("<!-- allocation -->\n<!-- end of allocation -->\n", encoding="utf-8")
    monkeypatch.setattr(script, "SIZES", {2_000: 1e-3})
    monkeypatch.setattr(script, "VARIANTS", {name: script.VARIANTS[name] for name in ("plain", "ties")})
    given = ["--seeds", "1", "--largest", "2000", "--disk", "4000", "--readme", str(readme)]
    monkeypatch.setattr(sys, "argv", ["allocation.py", *given])
    script.main()
    written = readme.read_text(encoding="utf-8")
    for words in (
        "| 2,000 | ties |",
        "within 5e-5 of HiGHS",
        "| greedy by value per cost |",
        "4,000 from disk",
    ):
        assert words in written
    kept = json.loads((tmp_path / "allocation.json").read_text(encoding="utf-8"))
    assert abs(kept["highs"]["below"]) < 1e-2
    assert (
        kept["ways"]["in file order"]
        < kept["ways"]["greedy by value per cost"]
        <= kept["ways"]["crm_ml"] + 1e-9
    )


@pytest.mark.parametrize("n", [4_000, 12_000, 60_000])
def test_values_that_are_alike_for_everybody_are_shared_out_exactly(n):
    rng = np.random.default_rng(0)
    values = np.full((n, 2), np.nan)
    values[rng.random(n) < 0.65, 0] = 15.0
    values[rng.random(n) < 0.6, 1] = 13.0
    groups = [
        ActionGroup("a", (0,), n // 8),
        ActionGroup("b", (1,), n // 2),
        ActionGroup("all", (0, 1), n // 4),
    ]
    found = allocate(values, groups=groups)
    assert found.value == found.upper_bound == n // 8 * 15 + (n // 4 - n // 8) * 13
    assert found.prices == pytest.approx({"cap of a": 2.0, "cap of b": 0.0, "cap of all": 13.0}, abs=1e-6)
    assert found.row_prices == pytest.approx([15.0, 13.0], abs=1e-6)


def test_where_nobody_ties_nothing_is_exchanged():
    """A list of a small shop ended here with exit code 70."""
    none, nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
    tied = Tied(none, none, none, nothing, nothing, np.zeros((0, 1)), csr_array((2, 0)), np.array([3.0, 0.5]))
    count, short = improved(tied, none, 1.0, 0.1)
    assert len(count) == 0 and short == 1.0
