"""What recommended lists show of the catalogue: coverage by length, and how evenly items are shown."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.ranking import Floats
from crm_ml.plots.plot_style import GREY, axes_or_new, figure_of, legend, line_colors, tidy
from crm_ml.plots.plotted_rows import check_columns

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NEEDED = ("customer_id", "rank", "item_id")


def coverage(
    lists: "pd.DataFrame | Mapping[str, pd.DataFrame]",
    items: Collection[str] | npt.NDArray[np.generic],
    *,
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw the share of the catalogue that is in any list, against the length of the lists.

    Beside the models stands what lists at random would cover.

    Parameters
    ----------
    lists : pandas.DataFrame, or mapping of str to pandas.DataFrame
        Of `Recommender.recommend`: customer_id, rank (from 1), item_id; several by the name of their model,
        such as that of popularity.
    items : collection of str
        Ids of the catalogue, such as ``model.items_``.
    ax : matplotlib.axes.Axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If a column is missing, there is no row, a rank is no whole number from 1 on, a list has items that
        are not in the catalogue, or the catalogue repeats an id.
    """
    shown = _checked(lists, items)
    axes = axes_or_new(ax, 6.8, 4.6)
    longest = max(int(rank.max()) for _, rank, _ in shown.values())
    length = np.arange(1, longest + 1)
    customers = max(count for *_, count in shown.values())
    chance = 100 * (1 - (1 - np.minimum(length / len(items), 1.0)) ** customers)
    axes.plot(length, chance, "--", color=GREY, linewidth=1, label="at random")
    for (name, (item, rank, _)), color in _colored(shown):
        first = np.full(len(items), longest + 1)
        np.minimum.at(first, item, rank)
        covered = 100 * np.cumsum(np.bincount(first, minlength=longest + 2)[1 : longest + 1]) / len(items)
        axes.plot(length, covered, "o-", color=color, markersize=3, linewidth=1.6, label=name)
    axes.set(xlabel="length of the lists (items)", ylabel="items in any list (% of the catalogue)")
    axes.set(xlim=(1, max(longest, 2)), ylim=(0, None))
    axes.set_title(f"Coverage of {len(items):,} items by lists of {customers:,} customers", loc="left")
    legend(axes)
    tidy(axes)
    return figure_of(axes)


def exposure(
    lists: "pd.DataFrame | Mapping[str, pd.DataFrame]",
    items: Collection[str] | npt.NDArray[np.generic],
    *,
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw the Lorenz curve of how often items are shown, with its Gini coefficient; all else as `coverage`.

    On the dashed line all items are shown equally often (Gini 0).
    """
    shown = _checked(lists, items)
    axes = axes_or_new(ax, 5.6, 5.2)
    share = 100 * np.linspace(0, 1, len(items) + 1)
    axes.plot([0, 100], [0, 100], "--", color=GREY, linewidth=1, label="all alike")
    for (name, (item, _, _)), color in _colored(shown):
        held = _lorenz(np.bincount(item, minlength=len(items)).astype(np.float64))
        gini = 1 - float((held[1:] + held[:-1]).sum()) / len(items)
        axes.plot(share, 100 * held, color=color, linewidth=1.6, label=f"{name}, Gini {gini:.2f}")
    axes.set(
        xlabel="items, least shown first (% of the catalogue)", ylabel="places that they hold (% of all)"
    )
    axes.set(xlim=(0, 100), ylim=(0, 100))
    axes.set_title(f"Exposure of {len(items):,} items", loc="left")
    legend(axes, "upper left")
    tidy(axes)
    return figure_of(axes)


Listed = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]
Shown = dict[str, Listed]


def _checked(
    lists: "pd.DataFrame | Mapping[str, pd.DataFrame]", items: Collection[str] | npt.NDArray[np.generic]
) -> Shown:
    """Return number and rank of each recommended item, and the number of customers, by model."""
    import pandas as pd

    by_name = lists if isinstance(lists, Mapping) else {"model": lists}
    catalogue = pd.Index([str(item) for item in items])
    if catalogue.has_duplicates:
        twice = len(catalogue) - catalogue.nunique()
        raise InputError(f"items: {twice:,} of {len(catalogue):,} repeat an id; give each item once")
    shown: Shown = {}
    for name, frame in by_name.items():
        check_columns(frame, _NEEDED, f"lists of {name}", "Recommender.recommend")
        item = catalogue.get_indexer(pd.Index(frame["item_id"].astype(str)))
        unknown = int((item < 0).sum())
        if unknown:
            raise InputError(
                f"lists of {name}: {unknown:,} of {len(frame):,} rows have items that are none of the "
                f"{len(catalogue):,} of the catalogue; give the items_ of the model"
            )
        shown[name] = item, _ranks(frame["rank"], name), frame["customer_id"].nunique()
    return shown


def _ranks(ranks: "pd.Series[Any]", name: str) -> npt.NDArray[np.int64]:
    """Return the places in the lists, from 1 on."""
    import pandas as pd

    places = pd.to_numeric(ranks, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    odd = int((~((places >= 1) & (places == np.floor(places)) & np.isfinite(places))).sum())
    if odd:
        raise InputError(
            f"lists of {name}: rank is no whole number from 1 on in {odd:,} of {len(places):,} rows"
        )
    return places.astype(np.int64)


def _colored(
    shown: Shown,
) -> list[tuple[tuple[str, Listed], str]]:
    return list(zip(shown.items(), line_colors(len(shown)), strict=True))


def _lorenz(counts: Floats) -> Floats:
    """Return the share of all places that the least shown items hold, from none of them to all."""
    return np.append(0.0, np.cumsum(np.sort(counts)) / counts.sum())
