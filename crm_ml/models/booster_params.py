"""Parameters of LightGBM that a model has no option for, and an objective of one's own."""

from collections.abc import Collection, Mapping
from typing import Any

from crm_ml.errors import ConfigError
from crm_ml.plugins import is_own, named

MOST_ROUNDS, MOST_SEEDS = 100_000, 1_000
_REFUSED = {
    "device_type": "results of other devices do not repeat",
    "tree_learner": "results of several machines do not repeat",
    "num_machines": "results of several machines do not repeat",
    "use_quantized_grad": "its rounding follows the number of threads",
    "stochastic_rounding": "its rounding follows the number of threads",
    "deterministic": "results must repeat",
    "force_col_wise": "the order of sums must not follow a measurement of speed",
    "force_row_wise": "the order of sums must not follow a measurement of speed",
    "num_iterations": "the number of trees is an option of its own",
    "linear_tree": "leaves with lines do not repeat, and none are read back",
    "early_stopping_round": "there are no rows to stop by",
    "categorical_feature": "it follows from the features",
}


def check_size(rounds: int, n_seeds: int) -> None:
    """Refuse more trees than anybody waits for, which would be trained for days.

    Raises
    ------
    ConfigError
        If `rounds` is not from 1 to 100,000, or `n_seeds` not from 1 to 1,000.
    """
    for name, value, most in (("rounds", rounds, MOST_ROUNDS), ("n_seeds", n_seeds, MOST_SEEDS)):
        if not isinstance(value, int) or not 1 <= value <= most:
            raise ConfigError(f"{name} is {value!r}; write a whole number from 1 to {most:,}")


def check_params(params: Mapping[str, Any], own: Collection[str]) -> None:
    """Refuse parameters that a model sets itself, that would not repeat, or that LightGBM does not know.

    Parameters
    ----------
    params : mapping of str to value
        By any name that LightGBM has for them. As ``objective`` only ``module:function`` is taken, a function
        of predictions and Dataset that returns gradient and Hessian, both of shape (n,).
    own : collection of str
        What the model passes to LightGBM by itself.

    Raises
    ------
    ConfigError
        The message names all of them, each with its reason.
    """
    if not isinstance(params, Mapping):
        raise ConfigError(f"params is {type(params).__name__}; give a mapping of names to values")
    if not params:
        return
    names = _canonical_names()
    breaches = []
    for name, value in params.items():
        canonical = names.get(name)
        if canonical is None:
            breaches.append(f"{name}: LightGBM has no such parameter")
        elif canonical == "objective":
            breaches += _objective_breaches(name, value)
        elif canonical in _REFUSED:
            breaches.append(f"{name}: {_REFUSED[canonical]}")
        elif canonical in {names.get(key, key) for key in own}:
            breaches.append(f"{name}: the model sets {canonical} itself; use its own options")
    if breaches:
        raise ConfigError(f"params: {'; '.join(breaches)}")


def passed_on(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters for LightGBM, with the function itself in place of its name as the objective."""
    names = _canonical_names() if params else {}
    return {names[key]: named(value) if names[key] == "objective" else value for key, value in params.items()}


def _objective_breaches(name: str, value: Any) -> list[str]:
    if not (isinstance(value, str) and is_own(value)):
        return [f"{name}: it follows from what is predicted; give one of your own as module:function"]
    if not callable(named(value)):
        return [f"{name}: {value} is no function"]
    return []


def _canonical_names() -> dict[str, str]:
    """Return the name by which LightGBM knows a parameter, by each of its aliases."""
    from lightgbm.basic import _ConfigAliases

    aliases: dict[str, list[str]] = _ConfigAliases._get_all_param_aliases()
    return {alias: name for name, others in aliases.items() for alias in (name, *others)}
