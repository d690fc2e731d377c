"""Profiles of all channels become customers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crm_ml.errors import ConfigError
from crm_ml.identity.average_link import AverageLink, cluster
from crm_ml.identity.customers import Customers
from crm_ml.identity.earlier_customers import earlier_of
from crm_ml.identity.lasting_ids import ENDED, MERGED, lasting_ids
from crm_ml.identity.normalising import Identifier
from crm_ml.identity.profile_table import ID, Profiles, as_table, profile_table
from crm_ml.identity.rule import Rule, Wall, rules_of, walls_of
from crm_ml.identity.rule_links import components, link
from crm_ml.identity.scorer import Scorer, scored_pairs

if TYPE_CHECKING:
    import pandas as pd

USUAL: Final = ("phone", "email", "device", "open_id", "card")


def resolve(
    profiles: Profiles,
    rules: Sequence[Rule | str] | None = None,
    hub_cap: int = 8,
    scorer: Scorer | None = None,
    previous: "Customers | pd.DataFrame | Path | None" = None,
    *,
    walls: Sequence[Wall | str] = (),
    identifiers: Mapping[str, Identifier] | None = None,
    average_link: AverageLink | None = None,
) -> Customers:
    """Join the profiles of each person and give every person a customer_id that stays.

    Parameters
    ----------
    profiles : pandas.DataFrame, pyarrow.Table, Path or str
        One row a profile, with profile_id and identifiers; a path is of a CSV or Parquet file.
    rules : sequence of Rule or str, optional
        What joins; by default each of `USUAL` that is a column.
    hub_cap : int
        Most profiles that may share a value; one of more joins none of them.
    scorer : Scorer, optional
        Gives probabilities of further pairs, by which groups are joined; see `AverageLink`.
    previous : Customers, pandas.DataFrame or Path, optional
        Earlier customers, whose ids stay; as returned, as profile_id and customer_id, or as published.
    walls : sequence of Wall or str
        Columns across which nothing is joined.
    identifiers : mapping of str to Identifier, optional
        Forms of columns that differ from those of their names.
    average_link : AverageLink, optional
        How the pairs of the scorer join groups.

    Raises
    ------
    InputError
        If columns are absent, a profile has no id of its own, or the pairs of the scorer or the earlier
        customers can't be used.
    IntegrityError
        If published customers have changed.
    ConfigError
        If there is nothing to join by.

    Examples
    --------
    >>> import pandas as pd
    >>> profiles = pd.DataFrame({"profile_id": ["app-1", "web-1", "shop-1"],
    ...     "phone": ["138 0013 8000", "13800138000", None], "email": [None, "ada@mail.org", "Ada@mail.org"]})
    >>> customers = resolve(profiles, rules=["phone", "email"])
    >>> len(customers), customers.explain("app-1", "shop-1").joined
    (1, True)
    """
    table = as_table(profiles)
    if scorer is not None and ID in table.column_names:
        table = table.sort_by(ID)  # the order of rows decides no tie
    given = rules_of(USUAL if rules is None else rules)
    if rules is None:
        given = tuple(rule for rule in given if set(rule.same) <= set(table.column_names))
    if not given and scorer is None:
        raise ConfigError(
            f"there is nothing to join profiles by; give rules, or columns of {', '.join(USUAL)}"
        )
    source = profile_table(table, given, walls_of(walls), identifiers or {})
    links = tuple(link(rule, source.codes, source.wall, hub_cap) for rule in given)
    labels, pairs = components(links, len(source)), None
    if scorer is not None:
        pairs = scored_pairs(scorer, source)
        labels = cluster(labels, pairs, average_link or AverageLink())
    earlier = earlier_of(previous)
    lasting = lasting_ids(source.ids, labels, earlier.table, earlier.retired)
    ended = lasting.changes["customer_id"][lasting.changes["change"].isin((MERGED, ENDED))]
    retired = earlier.retired | set(ended)
    return Customers(lasting.table, lasting.changes, retired, source, links, pairs, labels)
