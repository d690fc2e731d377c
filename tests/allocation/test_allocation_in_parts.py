"""Allocations of customers in parts: the same bits however they are dealt, and bounds that are true."""

import importlib
from fractions import Fraction

import numpy as np
import pytest
import scripts
from scipy.optimize import linprog

from crm_ml.allocation import fixed_point
from crm_ml.allocation.allocate import ALLOCATED, ActionGroup, allocate_parts
from crm_ml.allocation.dual_prices import minimise
from crm_ml.allocation.lagrangian import exact, smooth
from crm_ml.allocation.problem import ProblemLimits, problem_of
from crm_ml.allocation.sample import surveyed
from crm_ml.allocation.value_parts import FileParts, MemoryParts, ValuePart, draws_of_rows

cases = scripts.plain("performance/allocation_cases.py")
N, M = 1_600, 4


def dealt(values, part_of, draws=None):
    """Deal customers into parts; return the parts and the rows of each."""
    draws = draws_of_rows(len(values)) if draws is None else draws
    rows = [np.flatnonzero(part_of == number) for number in range(int(part_of.max(initial=0)) + 1)]
    parts = [
        ValuePart(number, values[mine], draws[mine], {}, ids=lambda few, mine=mine: mine[few])
        for number, mine in enumerate(rows)
    ]
    return MemoryParts(parts), rows


def deals(n):
    """Return parts of customers: one, 8 and 64 by turns, and at random with an empty and a tiny one."""
    rng = np.random.default_rng(5)
    at_random = np.sort(rng.choice([0, 1, 3, 4, 5], n, p=[0.5, 0.01, 0.29, 0.19, 0.01]))
    rng.shuffle(at_random)
    return [np.zeros(n, int), np.arange(n) % 8, np.arange(n) % 64, at_random]


def solved(values, part_of, draws=None, **limits):
    """Allocate in parts; return all that is found, with the actions in the order of the customers."""
    parts, rows = dealt(values, part_of, draws)
    found = allocate_parts(parts, actions=values.shape[1], **limits)
    action = np.full(len(values), -9)
    for part, mine in zip(parts.parts, rows, strict=True):
        action[mine] = part.kept[ALLOCATED][:, 0]
    facts = (found.value, found.upper_bound, found.prices, found.used, found.row_prices.tolist())
    return action, facts


def limits_of(n, minimum=None):
    groups = [ActionGroup(f"a{j}", (j,), n * 0.03 * (1 + j)) for j in range(M - 1)]
    groups.append(ActionGroup("last", (M - 1,), n * 0.05, minimum))
    groups.append(ActionGroup("channel", (0, 1, 2), n * 0.1))
    costs = np.round(np.random.default_rng(1).uniform(0.2, 3.0, M), 2)
    return {"groups": groups, "costs": [costs], "budgets": [n * 0.3]}


VALUES = {
    "plain": lambda n: cases.lognormal(n, M),
    "ties": lambda n: np.round(cases.lognormal(n, M)),
    "alike": lambda n: np.full((n, M), 7.25),
    "nobody eligible": lambda n: np.full((n, M), np.nan),
}


@pytest.mark.parametrize(
    "kind", [pytest.param("plain", marks=pytest.mark.slow), *(kind for kind in VALUES if kind != "plain")]
)
def test_any_parts_give_the_same_bits(kind):
    assert_parts_change_nothing(kind)


def assert_parts_change_nothing(kind):
    values = VALUES[kind](N)
    minimum = None if kind == "nobody eligible" else N * 0.045
    action, facts = solved(values, deals(N)[0], **limits_of(N, minimum))
    for part_of in deals(N)[1:]:
        again, told = solved(values, part_of, **limits_of(N, minimum))
        np.testing.assert_array_equal(again, action)
        assert told == facts
    assert facts[1] >= facts[0]
    assert (facts[1] - facts[0]) <= 1e-4 * facts[1] + np.nanmax(values, initial=0.0)


def test_equal_draws_are_ordered_by_id_and_one_customer_is_a_part():
    values = np.full((600, M), 7.25)
    draws = np.repeat(draws_of_rows(3), 200)
    action, facts = solved(values, deals(600)[0], draws, **limits_of(600))
    for part_of in deals(600)[1:]:
        again, told = solved(values, part_of, draws, **limits_of(600))
        np.testing.assert_array_equal(again, action)
        assert told == facts
    assert solved(np.array([[2.0, 3.0]]), np.zeros(1, int), groups=[ActionGroup("b", (1,), 1)])[0] == [1]


@pytest.mark.slow
def test_everything_is_searched_where_customers_are_many(monkeypatch):
    """Sample, prices from the passes over parts, and the places among equals, from their counts."""
    for module, name, small in (
        ("sample", "SAMPLE", 900), ("sample", "_TYPICAL", 300), ("ranked", "_FEW", 50),
        ("dual_prices", "_STAGES", ((300, (0.3, 0.1, 0.03, 0.01)), (900, (0.005,)))),
    ):  # fmt: skip
        monkeypatch.setattr(importlib.import_module(f"crm_ml.allocation.{module}"), name, small)
    for kind in ("plain", "ties"):
        assert_parts_change_nothing(kind)


def test_prices_of_passes_are_the_same_to_the_bit():
    values = cases.lognormal(N, M)
    problem, _ = problem_of((N, M), [np.ones(M)], None, ProblemLimits(budgets=[0.2 * N]))
    found = set()
    for part_of in deals(N):
        customers, _ = surveyed(dealt(values, part_of)[0], 0, False)
        now = smooth(problem, customers, np.array([0.7]), 0.3)
        prices = minimise(problem, customers, np.zeros(1), 0.1, 1.0)
        found.add(
            (now.value, *now.gradient, *now.hessian.ravel(), *prices, exact(problem, customers, prices).bound)
        )
    assert len(found) == 1


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_is_above_the_linear_relaxation_in_fractions(seed):
    """The dual in fractions of the same prices, and the optimum of HiGHS, are not above the bound."""
    rng = np.random.default_rng(seed)
    n, m = 40, 3
    values = rng.lognormal(0, 2, (n, m)) * 10.0 ** rng.integers(-3, 9) + 0.1
    problem, _ = problem_of((n, m), [[0.7, 0.2, 0.9]], None, ProblemLimits([5, 7, 11], budgets=[9.3]))
    customers, _ = surveyed(dealt(values, np.arange(n) % 3)[0], 0, False)
    prices = rng.uniform(0, 1, len(problem.b)) * values.max()
    bound = exact(problem, customers, prices).bound
    price = [Fraction(one) for one in prices.tolist()]
    paid = [
        sum(p * Fraction(a) for p, a in zip(price, column, strict=True)) for column in problem.A.T.tolist()
    ]
    dual = sum(p * Fraction(b) for p, b in zip(price, problem.b.tolist(), strict=True))
    for row in values.tolist():
        dual += max(0, *(Fraction(value) - cost for value, cost in zip(row, paid, strict=True)))
    assert 0 <= bound - dual <= n * Fraction(values.max()) / 2**56
    A = np.vstack([np.kron(np.eye(n), np.ones(m)), np.tile(problem.A, n)])
    optimum = -linprog(-values.ravel(), A, np.append(np.ones(n), problem.b), bounds=(0, 1)).fun
    action, facts = solved(values, np.arange(n) % 3, groups=[
        ActionGroup(f"a{j}", (j,), cap) for j, cap in enumerate((5, 7, 11))
    ], costs=[np.array([0.7, 0.2, 0.9])], budgets=[9.3])  # fmt: skip
    assert facts[0] <= optimum * (1 + 1e-12) <= facts[1] * (1 + 2e-12)
    assert (action >= 0).sum() > 5


def test_parts_on_disk_give_what_those_in_memory_do(tmp_path):
    values = np.round(cases.lognormal(N, M))
    action, facts = solved(values, np.zeros(N, int), **limits_of(N))
    draws, folders = draws_of_rows(N), []
    for number in range(3):
        folders.append(tmp_path / str(number))
        folders[-1].mkdir()
        mine = np.arange(N) % 2 == number  # the last has nobody
        np.save(folders[-1] / "values.npy", values[mine])
        np.save(folders[-1] / "draws.npy", draws[mine])
    parts = FileParts(tuple(folders))
    found = allocate_parts(parts, actions=M, **limits_of(N))
    assert (found.value, found.upper_bound, found.prices) == facts[:3]
    for number in range(2):
        np.testing.assert_array_equal(parts.part(number).kept[ALLOCATED][:, 0], action[number::2])


def test_sums_of_large_amounts_are_exact():
    values = np.array([1e12, 3.0, 2.0**-18, -5e11, 0.1] * 2_000)
    scale = fixed_point.power_above(1e12)
    exactly = sum(Fraction(value) * 2**60 // Fraction(scale) for value in values.tolist())
    assert fixed_point.total(values, scale) == fixed_point.total(values[::-1], scale) == exactly
    assert fixed_point.total(values, 1e3) == sum(int(np.floor(v * (2.0**60 / 1e3))) for v in values.tolist())
