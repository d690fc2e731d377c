"""The next command after each run and each error, true for the state it ends in: all such texts."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

_MENDS = {
    "not worse than the best baseline": (
        "more customers or test days where there is no verdict; else take the baseline that wins as the "
        "model (--set model.name=NAME), it is simpler and better here"
    ),
    "calibrated": (
        "a shorter horizon (--set target.horizon_days=DAYS), so that the newest labels are younger, or test "
        "days that cover a whole year; the order of customers may hold all the same, see the AUC"
    ),
    "total": (
        "a test window in the same months as a window before it, once a whole year is known; read the "
        "values as an order until then"
    ),
    "arms as declared": "the probabilities of the arms in the assignments, as they were drawn",
    "arms comparable": "the draw itself: who was drawn must not follow from what a customer is or does",
    "target by uplift": (
        "more customers in each arm, or more trials; until then treat everybody or nobody, as the effect says"
    ),
}
_MEND_OF_LISTS = (
    "more purchases, or level: category in the target; else take the baseline that wins as the model"
)
_MEANS = {
    "calibrated": "lists then count with its probabilities, whose level was shown to be wrong by that much",
    "total": "lists then count with its values, whose sum was shown to be wrong by that much",
    "target by uplift": "lists then still use the assumed effect of actions, since no arm is verified",
}
_MEANS_ELSE = "lists then use it although something simpler is better, or nothing is known"
_NOT_BEATEN = "lists then use it although it did not clearly beat the champion"


def command(module: str, *words: str) -> str:
    """Return a command line as it can be pasted.

    Examples
    --------
    >>> command("crm_ml.train", "--new", "churn", "--data", "my shop.yaml")
    "python -m crm_ml.train --new churn --data 'my shop.yaml'"
    """
    return shlex.join(["python", "-m", module, *words])


def new_run(family: str, data: str) -> str:
    """Return the command that writes a config of a family for tables."""
    return command("crm_ml.train", "--new", family, "--data", data)


def new_list(data: str, name: str | None = None) -> str:
    """Return the command that writes a list's config for tables, under another name than theirs."""
    return command("crm_ml.score", "--new", "--data", data, *(["--name", name] if name else []))


def train(run: str) -> str:
    """Return the command that trains a run."""
    return command("crm_ml.train", run)


def next_line(text: str) -> str:
    """Return the line of a next command.

    Examples
    --------
    >>> next_line(train("churn/mine"))
    'next: python -m crm_ml.train churn/mine'
    """
    return f"next: {text}"


def after_init(folder: Path) -> list[str]:
    """Return the commands that lead from a new project to a list: by own tables, or by a simulated shop.

    Examples
    --------
    >>> for line in after_init(Path("shop")):
    ...     print(line)
    next: cd shop
    next: python -m crm_ml.tables --guess FILE  (your orders, copied into data/own/ of the project)
    or: python -m crm_ml.train uplift/simulated  (a simulated shop, which needs no files)
    """
    guess = command("crm_ml.tables", "--guess", "FILE")
    return [
        *([] if folder.resolve() == Path.cwd() else [next_line(shlex.join(["cd", str(folder)]))]),
        next_line(f"{guess}  (your orders, copied into data/own/ of the project)"),
        f"or: {train('uplift/simulated')}  (a simulated shop, which needs no files)",
    ]


def after_champion(
    model: str, data: str, lists: Mapping[str, Sequence[str]], name: str | None = None
) -> list[str]:
    """Return the commands that lead from a new champion to a list that uses it.

    Parameters
    ----------
    model : str
        Registered name.
    data : str
        Mapping or data set of the run.
    lists : mapping of str to sequence of str
        Configs of lists that name the model, with the runs whose champions they still lack.
    name : str, optional
        Of the configs of these tables, where it is not that of `data`.
    """
    if not lists:
        return [next_line(f"{new_list(data, name)}  (writes a list that uses {model}@champion)")]
    config, lacking = min(lists.items(), key=lambda pair: len(pair[1]))
    steps = [train(run) for run in lacking]
    return [*map(next_line, steps), next_line(f"{command('crm_ml.score', config)}  (uses {model}@champion)")]


def after_challenger(
    family: str, model: str, version: str, failed: Mapping[str, str], champion: str | None, config: str | None
) -> list[str]:
    """Return why a model is only challenger, what would mend it, and what uses it all the same.

    Parameters
    ----------
    family, model, version : str
    failed : mapping of str to str
        Name of each failed gate to its figures, limit included; empty where the champion was not beaten.
    champion : str, optional
        Version that scores meanwhile.
    config : str, optional
        Config of a list that names the model, such as ``"score/default"``.
    """
    lines = []
    for gate, figures in failed.items():
        lines += [f"failed: {gate}: {figures}", f"  would mend it: {mend_of(gate)}"]
    meanwhile = f"version {champion} stays champion and scores" if champion else "nothing scores meanwhile"
    means = "; ".join(dict.fromkeys(_MEANS.get(gate, _MEANS_ELSE) for gate in failed)) or _NOT_BEATEN
    promote = command("crm_ml.train.promote", model, "--version", version)
    once = f"models.{family}={model}@challenger"
    score = command("crm_ml.score", config, "--set", once) if config else None
    return [
        *lines,
        f"{model} version {version} is challenger; {meanwhile}",
        f"by hand: {promote}  ({means})",
        *([f"a list with the challenger: {score}"] if score else []),
    ]


def mend_of(gate: str) -> str:
    """Return what would let a model pass a gate.

    Examples
    --------
    >>> mend_of("arms as declared")
    'the probabilities of the arms in the assignments, as they were drawn'
    """
    return _MENDS.get(gate, _MEND_OF_LISTS)


def without_list(config: str, known: Sequence[str]) -> str:
    """Return what to do where there are no settings of a list of a name."""
    there = f"there are {', '.join(known)}; " if known else ""
    return f"{config}: no list of that name; {there}for your own tables: {new_list('MAPPING')} (writes one)"


def without_model(family: str, model: str, aliases: Sequence[str], runs: Sequence[str]) -> str:
    """Return what to do where no model of a name has the alias that is wanted.

    Parameters
    ----------
    family, model : str
    aliases : sequence of str
        That the name has, such as ``("challenger",)``.
    runs : sequence of str
        Configs that register the name, such as ``"churn/lightgbm"``.

    Examples
    --------
    >>> without_model("churn", "churn", [], ["churn/lightgbm"])
    'train it first: python -m crm_ml.train churn/lightgbm'
    """
    if aliases:
        named = f"{model}@{aliases[0]}"
        return (
            f"there is {named}: use it once by --set models.{family}={named}, or make it champion by "
            f"{command('crm_ml.train.promote', model)}"
        )
    if runs:
        return f"train it first: {train(runs[0])}"
    return f"train it first; no config registers it: {new_run(family, 'MAPPING')} (writes one)"


def after_evaluation(config: str) -> list[str]:
    """Return what follows the evaluation of a list: whether the scores behind it came true."""
    realised = command("crm_ml.score.realised", config, "--as-of", "TODAY")
    return [next_line(f"{realised}  (whether its scores came true)")]


def after_realised(worse: Sequence[str], config: str) -> list[str]:
    """Return what follows realised scores: training again where they were worse than promised, else a list.

    Parameters
    ----------
    worse : sequence of str
        Configs whose models were worse than they promised, such as ``"churn/mine"``.
    config : str
        Of the list.
    """
    if worse:
        return [next_line(f"{train(run)}  (worse than promised)") for run in worse]
    return [next_line(f"{command('crm_ml.score', config, '--as-of', 'TODAY')}  (the list of a new day)")]


def after_list(folder: Path, config: str, days: int) -> list[str]:
    """Return what follows a published list: sending it, and its evaluation once its rows are over."""
    evaluate = command("crm_ml.score.evaluate", str(folder), "--config", config)
    return [
        next_line(f"{command('crm_ml.score.export', '--help')}  (brings the list into a campaign tool)"),
        next_line(f"{evaluate}  (what it brought, with tables that reach {days} days on)"),
    ]
