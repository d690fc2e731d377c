"""NaN and infinite numbers are refused in every config: catalogues, budgets, caps, limits, medians."""

from collections.abc import Mapping

import pytest
from score_world import action

from crm_ml.actions.catalog import Catalog
from crm_ml.decision.allocation_limits import Budget
from crm_ml.errors import ConfigError, InputError
from crm_ml.score.settings import ScoreSettings
from crm_ml.tables.safe_yaml import parse_yaml
from crm_ml.tables.strict import Strict, validate
from crm_ml.tables.table_profile import compare_medians

NUMBERS = (".nan", ".inf", "-.inf", "1.0e+999")


class Own(Strict):
    """A config of one's own, with a number as plain as can be."""

    share: float = 0.0
    options: Mapping[str, bool | int | float | str] = {}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("text", ["share: {}", "options: {{seed: {}}}"])
def test_a_config_has_finite_numbers(number, text):
    with pytest.raises(ConfigError, match="should be a finite number"):
        validate(parse_yaml(text.format(number), "own.yaml"), Own, "own.yaml")


FIELDS = {
    "cost_cents": "{}",
    "margin_cents": "{}",
    "assumed_effect": "{}",
    "daily_cap": "{}",
    "levers": "{{issue: {}}}",
    "context": "[{{when: 'rfm_orders > 1', percent: {}}}]",
}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", FIELDS)
def test_an_action_has_finite_numbers(number, field):
    plain = {name: value for name, value in _plain(action("coupon")).items() if name != field}
    content = {
        "currency": "EUR",
        "actions": [plain | parse_yaml(f"{field}: {FIELDS[field].format(number)}", "")],
    }
    with pytest.raises(ConfigError, match=rf"actions\[0\]\.{field}"):
        validate(content, Catalog, "shop.yaml")


def _plain(one):
    values = one.model_dump(exclude_unset=True)
    return {name: value for part in values.values() for name, value in part.items()}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", ["cents", "daily_cap", "exploration"])
def test_settings_and_budgets_have_finite_numbers(number, field):
    value = parse_yaml(number, "")
    with pytest.raises(ConfigError, match=field):
        if field == "cents":
            validate({"name": "mail", "cents": value}, Budget, "default.yaml")
        else:
            validate({"name": "test", field: value}, ScoreSettings, "default.yaml")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_recorded_medians_are_finite(tmp_path, number):
    (tmp_path / "profile.json").write_text(f'{{"order_lines": {{"paid_cents": {number}}}}}')
    with pytest.raises(InputError, match=r"profile\.json is no profile of medians: .* is no median"):
        compare_medians({}, "profile.json", tmp_path)
