"""Small logs of seeded recipes, for golden values and the tests that read them."""

import numpy as np

ROWS, ACTIONS, LISTS, PLACES = 211, 3, 90, 3
LIMITS = (0.5, 2.0, 6.0)
SLOPES = (1.0, 2.0, 3.0, 5.0, 9.0, 1e9)


def made_log(seed):
    """Rewards, actions, logging and target probabilities and a direct model, of a recipe the test repeats."""
    rng = np.random.RandomState(seed)
    x = rng.rand(ROWS)
    logging = 0.05 + rng.rand(ROWS, ACTIONS) ** 4
    logging /= logging.sum(axis=1, keepdims=True)
    target = rng.rand(ROWS, ACTIONS) ** 3
    target /= target.sum(axis=1, keepdims=True)
    action = (rng.rand(ROWS, 1) > logging.cumsum(axis=1)).sum(axis=1).clip(0, ACTIONS - 1)
    reward = x + action + rng.randn(ROWS)
    model = np.repeat(x[:, None], ACTIONS, axis=1) + 0.8 * np.arange(ACTIONS)
    return reward, action, logging, target, model


def made_lists(seed):
    """Rewards, actions, logging and target probabilities at each place, and a direct model."""
    rng = np.random.RandomState(seed)
    shape = (LISTS, PLACES, ACTIONS)
    logging, target = (0.1 + rng.rand(*shape) for _ in range(2))
    logging, target = (each / each.sum(axis=2, keepdims=True) for each in (logging, target))
    action = (rng.rand(LISTS, PLACES, 1) > logging.cumsum(axis=2)).sum(axis=2).clip(0, ACTIONS - 1)
    reward = (rng.rand(LISTS, PLACES) < 0.2 + 0.2 * action).astype(float)
    return reward, action, logging, target, rng.rand(*shape)


def made_amounts(seed):
    """Rewards, amounts, their density, the target's amounts and a direct model at the target's."""
    rng = np.random.RandomState(seed)
    amount, wanted = rng.rand(ROWS) ** 2, 0.2 + 0.5 * rng.rand(ROWS)
    density = 1 / (2 * np.sqrt(amount))
    return (
        amount * (1 - amount) + 0.1 * rng.randn(ROWS),
        amount,
        density,
        wanted,
        wanted * (1 - wanted) + 0.05,
    )
