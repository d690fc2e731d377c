"""Pages from templates: no value becomes markup, and a name that is not there is an error."""

import re
from pathlib import Path

import jinja2
import pytest

import crm_ml
from crm_ml.pages.charts import Bar, BarChart, Estimate, EstimateChart, HourChart
from crm_ml.pages.render import render

PACKAGE = Path(crm_ml.__file__).parent
HOSTILE = "\"'><script>alert(1)</script>&amp;"


class Trusted(str):
    """A text that claims to be markup."""

    __slots__ = ()

    def __html__(self):
        return self


def drawn(tmp_path, template, **values):
    (tmp_path / "mine.html").write_text(template, "utf-8")
    return render(tmp_path, "mine.html", **values)


@pytest.mark.parametrize("value", [HOSTILE, [HOSTILE]], ids=["text", "list"])
@pytest.mark.parametrize(
    "template",
    [
        "{{ value }}",
        '<p title="{{ value }}">',
        "{% set copy = value %}{{ copy ~ value }}",
        "{% macro draw(text) %}{{ text }}{% endmacro %}{{ draw(value) }}",
        '{% from "blocks.html" import table %}{{ table(value, [value], [["a", value|string]]) }}',
        '{% from "blocks.html" import section %}{% call section("a", value) %}{{ value }}{% endcall %}',
    ],
)
def test_no_value_becomes_markup(tmp_path, template, value):
    text = drawn(tmp_path, template, value=value)
    assert "<script" not in text
    assert "alert(1)" in text
    assert "\"'>" not in text


def test_a_text_that_claims_to_be_markup_is_escaped_too(tmp_path):
    assert "<script" not in drawn(tmp_path, "{{ value }}", value=Trusted(HOSTILE))


def test_characters_that_no_document_may_have_are_replaced(tmp_path):
    text = drawn(
        tmp_path, "{{ value }}{% set v = value ~ value %}{{ v }}", value="a\x00\x1b\x9f\ud800\uffff\n"
    )
    assert set(text) == {"a", "\ufffd", "\n"}
    assert text.count("\ufffd") == 15
    text.encode()


def test_a_name_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(jinja2.UndefinedError, match="'value' is undefined"):
        drawn(tmp_path, "{{ value }}")


def test_no_template_turns_escaping_off(tmp_path):
    templates = [path for path in PACKAGE.rglob("templates/*") if path.is_file()]
    assert {"page.html", "blocks.html", "charts.html", "style.css", "list.html"} <= {
        one.name for one in templates
    }
    for path in templates:
        assert not re.search(
            r"\|\s*(safe|tojson|xmlattr|urlize)\b|autoescape|Markup", path.read_text("utf-8")
        ), path
    with pytest.raises(jinja2.TemplateAssertionError, match="No filter named 'safe'"):
        drawn(tmp_path, "{{ value|safe }}", value=HOSTILE)


def test_charts_without_a_positive_number_have_bars_without_length(tmp_path):
    bars = BarChart([Bar("loss", -5, "-5"), Bar("nothing", 0, "0")])
    assert [bars.width(bar) for bar in bars.bars] == ["0.000%", "0.000%"]
    estimates = EstimateChart([Estimate("nothing", 0.0, None, None, None, "0")])
    assert estimates.place(0) == "2.000%"
    template = (
        '{% import "charts.html" as charts %}{{ charts.bars("b", bars) }}{{ charts.hours("h", hours) }}'
        '{{ charts.estimates("e", estimates) }}'
    )
    hours = HourChart([0] * 24, "nothing is planned")
    text = drawn(tmp_path, template, bars=bars, hours=hours, estimates=estimates)
    assert text.count("<rect") == 26
