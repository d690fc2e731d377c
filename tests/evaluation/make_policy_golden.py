"""Compute the golden values of off-policy estimators with Open Bandit Pipeline; not collected by pytest.

It is no dependency. In an environment of its own, of Python 3.9:

    pip install obp==0.5.3
    python tests/evaluation/make_policy_golden.py

It writes policy_golden.json beside this file.
"""

import json
from pathlib import Path

import numpy as np
from obp import __version__, ope
from obp.ope.helper import estimate_student_t_lower_bound
from policy_recipes import ACTIONS, LIMITS, LISTS, PLACES, ROWS, SLOPES, made_amounts, made_lists, made_log


def _of_actions(seed):
    reward, action, logging, target, model = made_log(seed)
    given = {
        "reward": reward,
        "action": action,
        "pscore": logging[np.arange(ROWS), action],
        "action_dist": target[:, :, None],
        "position": np.zeros(ROWS, dtype=int),
    }
    direct = {"estimated_rewards_by_reg_model": model[:, :, None]}
    found = {
        "ips": ope.InverseProbabilityWeighting().estimate_policy_value(**given),
        "snips": ope.SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**given),
        "direct": ope.DirectMethod().estimate_policy_value(
            action_dist=given["action_dist"], position=given["position"], **direct
        ),
        "dr": ope.DoublyRobust().estimate_policy_value(**given, **direct),
        "self_normalised_dr": ope.SelfNormalizedDoublyRobust().estimate_policy_value(**given, **direct),
    }
    for limit in LIMITS:
        of_limit = {
            "clipped_ips": ope.InverseProbabilityWeighting(lambda_=limit).estimate_policy_value(**given),
            "clipped_dr": ope.DoublyRobust(lambda_=limit).estimate_policy_value(**given, **direct),
            "shrunk_dr": ope.DoublyRobustWithShrinkage(lambda_=limit).estimate_policy_value(
                **given, **direct
            ),
            "switch_dr": ope.SwitchDoublyRobust(lambda_=limit).estimate_policy_value(**given, **direct),
        }
        found |= {f"{name} {limit}": value for name, value in of_limit.items()}
    return {name: float(value) for name, value in found.items()}, _slope(given, direct)


def _slope(given, direct):
    """Values and widths of each candidate, and the limit that SLOPE takes."""
    values, widths = [], []
    for limit in SLOPES:
        rewards = ope.SwitchDoublyRobust(lambda_=limit)._estimate_round_rewards(**given, **direct)
        values.append(float(rewards.mean()))
        widths.append(float(rewards.mean() - estimate_student_t_lower_bound(rewards, 0.05)))
    tuned = ope.SwitchDoublyRobustTuning(lambdas=list(SLOPES), tuning_method="slope", delta=0.05)
    tuned.estimate_policy_value_with_tuning(**given, **direct)
    return {"values": values, "widths": widths, "chosen": float(tuned.best_hyperparam)}


def _of_lists(seed):
    reward, action, logging, target, model = made_lists(seed)
    of = np.arange(LISTS)[:, None], np.arange(PLACES)[None, :], action
    p, q = logging[of], target[of]
    given = {
        "slate_id": np.repeat(np.arange(LISTS), PLACES),
        "reward": reward.ravel(),
        "position": np.tile(np.arange(PLACES), LISTS),
    }
    forms = {
        "independent": (
            p,
            q,
            "pscore_item_position",
            ope.SlateIndependentIPS,
            ope.SelfNormalizedSlateIndependentIPS,
        ),
        "cascade": (
            p.cumprod(axis=1),
            q.cumprod(axis=1),
            "pscore_cascade",
            ope.SlateRewardInteractionIPS,
            ope.SelfNormalizedSlateRewardInteractionIPS,
        ),
        "whole": (
            np.repeat(p.prod(axis=1, keepdims=True), PLACES, axis=1),
            np.repeat(q.prod(axis=1, keepdims=True), PLACES, axis=1),
            "pscore",
            ope.SlateStandardIPS,
            ope.SelfNormalizedSlateStandardIPS,
        ),
    }
    found = {}
    for name, (logged, wanted, word, plain, normalised) in forms.items():
        shares = {word: logged.ravel(), f"evaluation_policy_{word}": wanted.ravel()}
        found[name] = float(plain(len_list=PLACES).estimate_policy_value(**given, **shares))
        found[f"{name} normalised"] = float(
            normalised(len_list=PLACES).estimate_policy_value(**given, **shares)
        )
    robust = ope.SlateCascadeDoublyRobust(len_list=PLACES, n_unique_action=ACTIONS)
    found["cascade dr"] = float(
        robust.estimate_policy_value(
            **given,
            action=action.ravel(),
            pscore_cascade=p.cumprod(axis=1).ravel(),
            evaluation_policy_pscore_cascade=q.cumprod(axis=1).ravel(),
            q_hat=model.ravel(),
            evaluation_policy_action_dist=target.ravel(),
        )
    )
    return found


def _of_amounts(seed):
    reward, amount, density, wanted, model = made_amounts(seed)
    given = {
        "reward": reward,
        "action_by_behavior_policy": amount,
        "pscore": density,
        "action_by_evaluation_policy": wanted,
    }
    found = {}
    for kernel in ("epanechnikov", "triangular", "cosine", "gaussian"):
        for h in (0.05, 0.2):
            options = {"kernel": kernel, "bandwidth": h}
            plain = ope.KernelizedInverseProbabilityWeighting(**options)
            normalised = ope.KernelizedSelfNormalizedInverseProbabilityWeighting(**options)
            robust = ope.KernelizedDoublyRobust(**options)
            found[f"{kernel} {h}"] = {
                "ips": float(plain.estimate_policy_value(**given)),
                "snips": float(normalised.estimate_policy_value(**given)),
                "dr": float(robust.estimate_policy_value(**given, estimated_rewards_by_reg_model=model)),
            }
    return found


def main():
    """Write all values with the version that gave them."""
    content = {"obp": __version__, "log": {}, "slope": {}, "lists": {}, "amounts": {}}
    for seed in (0, 1, 2):
        content["log"][seed], content["slope"][seed] = _of_actions(seed)
        content["lists"][seed], content["amounts"][seed] = _of_lists(seed), _of_amounts(seed)
    path = Path(__file__).parent / "policy_golden.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
