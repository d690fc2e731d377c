"""What the card of an uplift model says of a broken draw and of trees that could not split."""

from crm_ml.train.families.uplift import CARD


def test_the_card_names_a_broken_draw_and_what_could_not_split():
    assert CARD.limits({"verified_arms": ["mail"], "draw": "holds", "unsplit": []}) == []
    lines = CARD.limits({"verified_arms": [], "draw": "mail: told by age", "unsplit": ["outcome_0"]})
    assert lines[0].startswith("No arm is verified")
    assert lines[1] == "The draw does not hold, so that nothing here is an effect: mail: told by age."
    assert lines[2].endswith("say one number for everybody: outcome_0.")
