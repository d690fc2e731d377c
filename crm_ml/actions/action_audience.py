"""For whom an action is meant."""

from crm_ml.actions.field_types import Rule
from crm_ml.tables.strict import Strict


class Audience(Strict):
    """The customers that an action is meant for: everybody without a rule.

    Parameters
    ----------
    eligible : str, optional
        Rule of `crm_ml.rules.grammar` over features, scores and tags.
    applicable : str, optional
        A second rule: for whom of the eligible the action makes sense now.
    """

    eligible: Rule | None = None
    applicable: Rule | None = None
