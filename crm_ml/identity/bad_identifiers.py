"""Identifiers that join nobody: shared by too many profiles, or given to another person."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from crm_ml.identity.profile_table import ProfileTable
from crm_ml.identity.rule_links import RuleLinks

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final = ("identifier", "value", "profiles", "reason")


def bad_identifiers(profiles: ProfileTable, links: Sequence[RuleLinks]) -> "pd.DataFrame":
    """Return the values that a rule does not join by, those of most profiles first.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`: columns of the rule, value (joined by " + "), number of profiles that share it
        within its walls, and why it joins none, or only those that agree.
    """
    import pandas as pd

    frames = [_of_rule(profiles, one) for one in links]
    frame = pd.concat([pd.DataFrame(columns=list(COLUMNS), dtype="str"), *frames], ignore_index=True)
    frame["profiles"] = frame["profiles"].astype("int64")
    order = ["profiles", "identifier", "value", "reason"]
    return frame.sort_values(order, ascending=[False, True, True, True], ignore_index=True)


def _of_rule(profiles: ProfileTable, link: RuleLinks) -> "pd.DataFrame":
    import pandas as pd

    bad = np.flatnonzero((link.degrees > link.cap) | link.disputed)
    first = np.full(len(link.degrees), -1, dtype=np.int64)
    rows = np.flatnonzero(link.codes >= 0)
    first[link.codes[rows[::-1]]] = rows[::-1]
    return pd.DataFrame(
        {
            "identifier": pd.Series([link.rule.name] * len(bad), dtype="str"),
            "value": pd.Series(values_of(profiles, link, first[bad]), dtype="str"),
            "profiles": link.degrees[bad],
            "reason": pd.Series([why(link, int(code)) for code in bad], dtype="str"),
        }
    )


def why(link: RuleLinks, code: int) -> str:
    """Return why a value joins none, or only those that agree; an empty text where it joins all."""
    if link.degrees[code] > link.cap:
        return f"shared by more than {link.cap} profiles"
    if link.disputed[code]:
        return f"several {', '.join(link.rule.agree)}"
    return ""


def values_of(profiles: ProfileTable, link: RuleLinks, rows: npt.NDArray[np.int64]) -> list[str]:
    """Return the values by which a rule joins some rows, as text."""
    columns = [profiles.identifiers[name].take(rows).to_pylist() for name in link.rule.same]
    return [" + ".join(str(part) for part in parts) for parts in zip(*columns, strict=True)]
