"""The reason of a row says what its value rests on, also where no model explains its score."""

import pyarrow as pa
import pytest

from crm_ml import Action
from crm_ml.lists.row_reasons import reason_codes

COUPON = Action.simple("coupon", "mail", cost=1, margin=40, effect=0.1, score="p_churn")
FLYER = Action.simple("flyer", "mail", cost=1, margin=40, effect=0.1)


@pytest.mark.parametrize(
    ("explain", "first"),
    [({}, "p_churn=0.412"), ({"p_churn": lambda rows: [[]] * len(rows)}, "p_churn=0.412"),
     ({"p_churn": lambda rows: [["days=3 (+0.10)"]] * len(rows)}, "days=3 (+0.10)")],
    ids=["no reasons", "nothing moves it", "reasons"],
)  # fmt: skip
def test_a_row_valued_by_a_score_never_says_that_its_action_is_for_everyone(explain, first):
    columns = {"customer_id": ["a", "b"], "action": [0, 1], "uplift": [None, None], "p_churn": [0.412, 0.1]}
    rows = pa.table({**columns, "days": [3.0, 4.0]})
    assert reason_codes(rows, [COUPON, FLYER], explain) == [[first], ["no rule: for everyone"]]
