"""``python -m crm_ml.score.play_out LIST``: what a list of the simulated shop earned, beside the truth."""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml import commands
from crm_ml.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from crm_ml.actions.catalog import Catalog
    from crm_ml.learning.list_outcomes import Published
    from crm_ml.pages.number_format import Currency
    from crm_ml.score.settings import ScoreSettings

DAYS = 14
MARGIN = 0.25


def main(arguments: Sequence[str] | None = None) -> int:
    """Let the simulator play a list out, evaluate it and show the truth beside; return the exit code."""
    return commands.run(_main, arguments)


def _main(arguments: Sequence[str] | None) -> None:
    about = "Let the simulator play a list out, and evaluate it."
    parser = commands.parser("crm_ml.score.play_out", about)
    about = "folder of a list, or of all of a name (default: the newest of the configuration)"
    parser.add_argument("list", nargs="?", type=Path, metavar="LIST", help=about)
    parser.add_argument("--config", default="score/simulated", help="configuration that made it")
    commands.add_settings(parser)
    parser.add_argument("--draw", type=int, default=0, help="number of the random draw of what happens")
    options = parser.parse_args(arguments)
    _play_out(options.list, options.config, options.set, options.draw)


def _play_out(place: Path | None, config: str, overrides: Sequence[str], draw: int) -> None:
    from rich.console import Console

    from crm_ml import config as configs
    from crm_ml.actions.catalog import Catalog
    from crm_ml.learning.list_outcomes import Published
    from crm_ml.lists.read_list import locate
    from crm_ml.score.settings import settings_of
    from crm_ml.storage.paths import inside, project_root

    settings = settings_of(config, overrides)
    if settings.data.name != "simulated":
        raise ConfigError(
            f"{config}: its data are {settings.data.name}, whose customers nobody can let live on; a list of "
            "real customers is judged by python -m crm_ml.score.evaluate once its window has ended"
        )
    published = Published.of(locate(place or settings.out_folder / settings.name))
    catalog = configs.load(inside(project_root(), settings.actions), Catalog)
    evaluation, truth = played(published, settings, catalog, draw)
    _show(Console(), evaluation, truth)


def played(
    published: "Published", settings: "ScoreSettings", catalog: "Catalog", draw: int = 0
) -> "tuple[dict[str, Any], pd.Series[float]]":
    """Evaluate a list by the two weeks that the simulator lets follow, and return the truth beside.

    Parameters
    ----------
    published : Published
        A list of the simulated shop, of the day after its last one.
    settings : ScoreSettings
    catalog : Catalog
        Says which arm of the shop's campaigns an action is.
    draw : int

    Returns
    -------
    evaluation : dict
        Of `crm_ml.learning.list_evaluation.evaluate`.
    truth : pandas.Series
        What the treated rows of each action earn on average before cost, cents, ``in all`` last.

    Raises
    ------
    ConfigError
        If an action has no arm.
    InputError
        If a customer stands twice, or the list is of another day.
    """
    import pandas as pd

    from crm_ml.datasets import simulated
    from crm_ml.learning.list_evaluation import Question, evaluate
    from crm_ml.lists.read_list import LIST_FILE

    rows = pd.read_parquet(published.folder / LIST_FILE, columns=["customer_id", "action_id", "arm"])
    contacted = rows[["customer_id"]].assign(arm=rows["action_id"].map(_arms(catalog)))
    path = Path(settings.data.path) if settings.data.path else None
    with tempfile.TemporaryDirectory() as folder:
        tables, effects = simulated.play_out(contacted, Path(folder), path, draw, **settings.data.options)
        evaluation = evaluate(published, tables, catalog, Question(DAYS, MARGIN))
    treated = rows[rows["arm"] == "treat"].set_index("customer_id")["action_id"]
    earned = MARGIN * effects["paid_cents_effect"].reindex(treated.index)
    truth = earned.groupby(treated).sum()
    truth["in all"] = truth.sum()
    return evaluation, truth


def _arms(catalog: "Catalog") -> dict[str, str]:
    """Return the arm of the shop's campaigns that each action is."""
    arms = {item.action_id: item.value.uplift.arm for item in catalog.actions if item.value.uplift}
    lacking = sorted({item.action_id for item in catalog.actions} - set(arms))
    if lacking:
        names = ", ".join(lacking)
        raise ConfigError(f"{names}: without uplift.arm the simulator does not know what it changes")
    return arms


def _show(console: "Console", evaluation: Mapping[str, Any], truth: "pd.Series[float]") -> None:
    from rich.markup import escape
    from rich.table import Table

    from crm_ml.pages.number_format import Currency

    currency = Currency(evaluation["currency"])
    day, code = evaluation["as_of"][:10], currency.code
    table = Table(title=f"{DAYS} days after the list of {day}, played out by the simulator, {code}")
    for name in ("action", "promised", "true mean", "evaluated [95 %]"):
        table.add_column(name, justify="left" if name == "action" else "right", no_wrap=name == "action")
    figures = {**evaluation["actions"], "in all": evaluation["total"]}
    judged = {key: figures[key] for key in truth.index if figures.get(key, {}).get("low") is not None}
    for key, part in judged.items():
        table.add_row(escape(key), *_cells(part, float(truth[key]), currency))
    console.print(table)
    held = sum(part["low"] <= truth[key] <= part["high"] for key, part in judged.items())
    console.print(
        f"before cost; {evaluation['total']['rows']:,} rows beside {evaluation['total']['controls']:,} held "
        f"out; {held} of {len(judged)} intervals hold the truth",
        soft_wrap=True,
    )


def _cells(figures: Mapping[str, Any], true: float, currency: "Currency") -> list[str]:
    promised, value, low, high = (
        currency.number(figures[name]) for name in ("promised_cents", "realised_cents", "low", "high")
    )
    return [promised, currency.number(round(true)), f"{value} [{low}, {high}]"]


if __name__ == "__main__":
    sys.exit(main())
