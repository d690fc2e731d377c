"""Exploration: within the caps, and with probabilities that are exact."""

from dataclasses import dataclass

import numpy as np
import pytest
from score_world import action

from crm_ml.allocation.value_parts import MemoryParts, ValuePart
from crm_ml.decision.allocation_limits import Budget, limits_of
from crm_ml.decision.exploration import CANDIDATE, TURN, Explore, draw, explore

ACTIONS = [
    action("a", daily_cap=12),
    action("b", channel="push", cost_cents=40),
    action("c", channel="push", daily_cap=100),
]
LIMITS = limits_of(ACTIONS, 60, {"push": 25}, [Budget(name="all", cents=1_000)])


def drawn(is_open, seed, share=0.4):
    """Explore customers in two parts; return the parts, who is explored, and the actions."""
    wanted = Explore(share=share, salt=f"salt {seed}")
    half, parts, counts = len(is_open) // 2, [], np.zeros(3, dtype=np.int64)
    for number, rows in enumerate((slice(None, half), slice(half, None))):
        ids = [f"c{i}" for i in range(len(is_open))][rows]
        candidate, turn = draw(ids, is_open[rows], wanted, "2024-06-01")
        values = np.where(is_open[rows], 1.0, np.nan)
        kept = {CANDIDATE: candidate, TURN: turn}
        parts.append(ValuePart(number, values, turn, kept, ids=lambda few, ids=ids: np.array(ids)[few]))
        counts += np.bincount(candidate[candidate >= 0], minlength=3)
    exploration = explore(MemoryParts(parts), counts, LIMITS, wanted)
    return Drawn(parts, exploration, np.concatenate([exploration.drawn(part) for part in parts]))


@dataclass
class Drawn:
    parts: list
    exploration: object
    action: np.ndarray

    def propensity(self, got, otherwise):
        half = len(self.parts[0].values)
        pieces = zip(self.parts, (slice(None, half), slice(half, None)), strict=True)
        return np.concatenate(
            [self.exploration.propensity(part, got[rows], otherwise[rows]) for part, rows in pieces]
        )

    @property
    def explored(self):
        """Probability of being explored at all."""
        none = np.full(len(self.action), -1)
        return 1.0 - self.propensity(none, np.ones(len(none)))


@pytest.fixture(scope="module")
def is_open():
    rng = np.random.default_rng(0)
    return rng.random((90, 3)) < [0.8, 0.5, 0.3]


def test_nothing_but_open_actions_is_explored_within_its_share_of_every_limit(is_open):
    usage, caps = LIMITS.usage, LIMITS.caps
    for seed in range(200):
        found = drawn(is_open, seed)
        rows = np.flatnonzero(found.action >= 0)
        assert is_open[rows, found.action[rows]].all()
        used = usage @ np.bincount(found.action[rows], minlength=3)
        assert (used <= 0.4 * caps + 1e-9).all()
    assert len(rows) > 10


def test_logged_propensities_are_those_of_the_draws(is_open):
    """Weights 1/p of explored pairs add up, on average, to one for every open pair (Horvitz and Thompson)."""
    runs = 1_200
    total = np.zeros(is_open.shape)
    explored = np.zeros(len(is_open))
    told = np.zeros(len(is_open))
    nobody = np.zeros(len(is_open))
    for seed in range(runs):
        found = drawn(is_open, seed)
        p = found.propensity(found.action, nobody)
        rows = np.flatnonzero(found.action >= 0)
        total[rows, found.action[rows]] += 1 / p[rows]
        explored += found.action >= 0
        told += found.explored
    mean = total / runs
    assert (mean[~is_open] == 0).all()
    for j in range(3):
        of_action = mean[is_open[:, j], j]
        assert of_action.mean() == pytest.approx(1.0, abs=0.05)
    assert mean[is_open].std() < 0.5  # of 1,200 draws of a probability around .05
    assert explored.sum() / told.sum() == pytest.approx(1.0, abs=0.01)


def test_the_probabilities_of_all_outcomes_add_up_to_one(is_open):
    found = drawn(is_open, 1)
    otherwise, n = np.where(is_open[:, 0], 0, -1), len(is_open)
    total = sum(
        np.where(
            (one < 0) | is_open[:, max(one, 0)],
            found.propensity(np.full(n, one), (otherwise == one).astype(float)),
            0.0,
        )
        for one in (-1, 0, 1, 2)
    )
    assert total == pytest.approx(np.ones(n), abs=1e-12)
    alone = found.propensity(np.full(n, -1), np.ones(n))
    assert alone[~is_open.any(axis=1)] == pytest.approx(1.0)


def test_a_day_has_its_own_draws_and_the_same_day_the_same(is_open):
    one, again = drawn(is_open, 3), drawn(is_open, 3)
    assert one.action.tolist() == again.action.tolist()
    assert one.action.tolist() != drawn(is_open, 4).action.tolist()
