"""The page of a list: what it says, what can't break out of it, and how a browser draws it."""

import json
import re
import shutil
import subprocess
from html import escape
from html.parser import HTMLParser
from itertools import combinations

import numpy as np
import pytest
from score_list_files import fill, hours_later, ingredients, other, row

from crm_ml.features import groups
from crm_ml.lists.page.feature_text import feature_in_words
from crm_ml.lists.page.figures import read_figures
from crm_ml.lists.page.list_page import page, write_page
from crm_ml.lists.page.reason_text import item_in_words, reason_in_words
from crm_ml.pages.style import DARK, LIGHT
from crm_ml.propensity.action_features import COLUMNS as OF_ACTION

HOSTILE = "\"'><img src=x onerror=alert(1)></svg></style></title><script>alert(1)</script>&amp;\x00\u202e"
CHANNELS = {"coupon": "mail", "reminder": "push"}
FUNNEL = {
    "coupon": {
        "not_eligible": 400, "not_applicable": 0, "no_consent": 150, "contact_policy": 50, "not_worth_it": 60,
        "held_out": 40, "capacity": 100, "another_action": 180, "listed": 20,
    },
    "reminder": {
        "not_eligible": 100, "not_applicable": 100, "no_consent": 100, "contact_policy": 100,
        "not_worth_it": 100, "held_out": 100, "capacity": 0, "another_action": 390, "listed": 10,
    },
}  # fmt: skip
EVALUATION = {
    "list_id": "9a" * 16, "as_of": "2024-05-25", "days": 7,
    "actions": {
        "coupon": {"rows": 812, "controls": 90, "promised_cents": 160_000, "realised_cents": 131_000,
                   "low": -20_000, "high": 280_000},
        "reminder": {"rows": 1_400, "controls": 150, "promised_cents": 240_000, "realised_cents": None},
    },
    "calibration": {"bins": [{"promised": 0.1, "realised": 0.15, "low": 0.05, "high": 0.3, "rows": 300},
                             {"promised": 0.6, "realised": 0.5, "low": 0.4, "high": 0.55, "rows": 200}],
                    "ece": 0.07},
}  # fmt: skip


def rows():
    found = [row(f"c{number:02d}", value=50 * number, send_at=hours_later(17)) for number in range(20)]
    for number in range(20, 30):
        arm = "explore" if number == 29 else "treat"
        fields = {"channel": "push", "cost_cents": 2, "arm": arm, "send_at": hours_later(number - 20)}
        found.append(row(f"c{number:02d}", "reminder", 30, **fields))
    return found


def facts(**changes):
    told = {
        "list_id": "0f" * 16, "ingredients": ingredients(models={"churn": "ab" * 32}), "currency": "EUR",
        "name": "grocer", "contact_policy": {"two in a week": 120, "after a complaint": 30},
        "funnel": {"customers": 1_000, "pairs": 2_000, "by_offering": FUNNEL},
        "allocation": {
            "value_cents": 9_800, "upper_bound_cents": 9_801.0, "gap": 1e-4, "list_price_cents": 12.0,
            "prices_cents": {"action coupon": 1_234.0, "the list": 12.0, "budget mail": 1.5},
            "compared_cents": {"in file order": 5_000, "best action, then cut": 8_000},
        },
        "hold_outs": {"universal": 0.05, "actions": {"coupon": 0.1}},
        "exploration": {"share": 0.03, "rows": 1},
    }  # fmt: skip
    return told | changes


def others():
    kept = {"held_out": "universal", "action_id": "coupon", "channel": "mail", "expected_value_cents": 70}
    return [other("d1"), other("d2", "control", **kept)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A list of thirty rows with its page."""
    target = tmp_path_factory.mktemp("list")
    fill(target, rows(), others())
    write_page(target, facts(), EVALUATION)
    return target


class Reader(HTMLParser):
    """Collect what a parser of HTML finds: elements with attributes, and the text of each section."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.sections, self.numbers, self.name, self.tag = [], {}, {}, "head", ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.tag = tag
        if tag == "section":
            self.name = dict(attrs)["id"]

    def handle_data(self, data):
        if self.tag == "b":
            self.numbers.setdefault(self.name, []).append(data)
        self.tag = ""
        self.sections[self.name] = self.sections.get(self.name, "") + data + " "

    def text(self, name):
        """Return the text of a section with single spaces."""
        return " ".join(self.sections[name].split())


def read(target, *given):
    return Reader(page(target, *given))


def test_each_section_says_its_figures(folder):
    found = Reader((folder / "page.html").read_text("utf-8"))
    assert "Next best actions: grocer, 2024-06-01" in found.text("head")
    overview = found.text("overview")
    for told in ("rows 30", "customers 30", "98.00 EUR", "cost 2.20 EUR", "99.99 %", "consents table",
                 "0f" * 16, "churn@abababababab", "policy version eeeeeeeeeeee"):  # fmt: skip
        assert told in overview
    assert "can be worth more than 98.01 EUR; this one reaches 98.00 EUR, 0.01 % less." in overview
    funnel = found.text("funnel")
    # 2,000 pairs less 500, 100, 250, 150, 160, 140 and 100; the rest is better served by another action
    assert found.numbers["funnel"] == [
        "2,000", "1,500 · 75.0 %", "1,400 · 70.0 %", "1,150 · 57.5 %", "1,000 · 50.0 %", "840 · 42.0 %",
        "700 · 35.0 %", "600 · 30.0 %", "30 · 1.5 %", "120", "30",
    ]  # fmt: skip
    assert "coupon 400 0 150 50 60 40 100 180 20" in funnel
    assert "reminder 100 100 100 100 100 100 0 390 10" in funnel
    assert "20 · 66.7 %" in found.text("volumes")
    assert "most at 17:00: 20 rows, 66.7 %" in found.text("volumes")
    assert "coupon mail p_churn x assumed effect 20 95.00 EUR 2.00 EUR 4.75 EUR" in found.text("value")


def test_cautions_of_models_stand_beside_the_figures(folder):
    plain, warned = (
        read(folder, facts() | more) for more in ({}, {"cautions": {"clv": ["a season unseen."]}})
    )
    assert "Read the values with care: clv: a season unseen." in warned.text("overview")
    assert "with care" not in plain.text("overview")


def test_limits_are_told_in_words(folder):
    told = read(folder, facts()).text("prices")
    assert "One more row of coupon is worth 12.34 EUR ." in told
    assert "One more EUR of budget mail earns 1.50 EUR ." in told
    assert told.count("whole list is worth 0.12 EUR") == 1
    assert "One more row of the list" not in told
    assert "The limit of reminder does not bind" in told
    free = facts(allocation={"prices_cents": {}, "list_price_cents": 0.0})
    told = read(folder, free).text("prices")
    assert "The limit of coupon and reminder does not bind" in told
    assert "whole list does not bind" in told


def test_simpler_ways_stand_beside_the_list_and_its_bound(folder):
    told = read(folder, facts()).text("compared")
    assert "This list earns 18.00 EUR more than the best of the simpler ways." in told
    assert "upper bound" in told
    assert "tried on" not in told
    assert "levers" not in told
    allocation = facts()["allocation"] | {"compared_customers": 500, "value_cents": 9_000}
    told = read(folder, facts(allocation=allocation)).text("compared")
    assert "tried on 500 of 1,000 customers and raised to all" in told
    assert "160.00 EUR" in told  # 8,000 cents on half of the customers
    assert "the expected value of the list in money is 98.00 EUR" in told


def test_what_can_be_learned_and_was_learned(folder):
    found = read(folder, facts(), EVALUATION)
    told = found.text("hold-outs")
    assert "5.0 % of the customers are kept from all actions." in told
    assert "10.0 % of the customers of coupon are kept from it." in told
    assert "1 row (3.3 %) are drawn at random to explore; the share set for it is 3.0 %." in told
    assert "kept without any action (universal hold-out) coupon 1 0.70 EUR" in told
    told = found.text("evaluation")
    assert "coupon 812 90 1,600.00 EUR 1,310.00 EUR -200.00 EUR 2,800.00 EUR" in told
    assert "reminder 1,400 150 2,400.00 EUR — — —" in told
    assert "10.0 % 15.0 % 5.0 % 30.0 % 300" in told
    assert "calibration error: 7.0 %" in told
    assert "No list of this name has been evaluated yet." in read(folder, facts()).text("evaluation")


def test_the_sample_is_twenty_rows_at_even_distances_with_reasons_in_words(folder):
    found = read_figures(folder)
    assert [one["customer_id"] for one in found.sample] == [f"c{int(1.5 * k + 0.75):02d}" for k in range(20)]
    told = read(folder, facts()).text("rows")
    assert "c00 coupon by mail worth 0.00 EUR, costs 0.10 EUR sent 2024-06-01 17:00 UTC" in told
    assert "41 days since the last order: clearly raises the chance of leaving" in told
    assert "drawn at random, 100 % likely" in told


def test_offerings_are_told_apart_by_channel_where_an_action_has_several(tmp_path):
    push = {"channel": "push"}
    fill(
        tmp_path,
        [row("c1", "both"), row("c2", "both", **push), row("c3", "both", **push), row("c4", "known")],
    )
    found = read_figures(tmp_path, {"known/mail", "known/push"})
    assert [(action.key, action.rows) for action in found.action_channels] == [
        ("both/push", 2), ("both/mail", 1), ("known/mail", 1)
    ]  # fmt: skip


def test_customers_are_counted_once_over_slots_and_pieces(tmp_path, monkeypatch):
    many = [row(f"c{number // 3}", slot=1 + number % 3) for number in range(300)]
    fill(tmp_path, many)
    monkeypatch.setattr("pyarrow.parquet.ParquetFile.iter_batches", pieces_of_seven)
    assert (read_figures(tmp_path).customers, read_figures(tmp_path).rows) == (100, 300)


def pieces_of_seven(file, columns):
    for start in range(0, file.metadata.num_rows, 7):
        yield file.read(columns=columns).slice(start, 7).combine_chunks().to_batches()[0]


@pytest.mark.parametrize(
    ("code", "basis", "words"),
    [
        ("rfm_days_since_order=1 (-0.83)", "p_response x assumed effect",
         "1 day since the last order: clearly lowers the chance of an answer"),
        ("rfm_paid_cents_84d=123456 (+0.04)", "",
         "1,234.56 EUR paid in the last 84 days: slightly raises the chance"),
        ("preference_top_department=MEAT (cold) (+0.20)", "",
         "buys most in MEAT (cold): raises the chance"),
        ("habit_day_rate_h14d=0.0711 (+0.20)", "",
         "rate of order days 0.0711, half-life 14 days: raises the chance"),
        ("rfm_days_since_order=unknown (-0.20)", "", "rfm days since order unknown: lowers the chance"),
        ("attribute_first_name=Ada (+0.60)", "", "what is declared as first name: clearly raises the chance"),
        ("uplift_coupon=-0.0123", "", "contact with arm coupon is expected to lower the outcome by 0.0123"),
        ("p_items=1.23", "", "1.23 of the items are expected to be bought"),
        ("rule: lifecycle_stage in ('new')", "", "meets the rule of the action: lifecycle_stage in ('new')"),
        ("no rule: for everyone", "", "the action is for everyone"),
        ("p_response=0.25", "", "the chance of an answer is 25.0 %"),
        ("rfm_orders=1e400 (+1.2.3)", "", "rfm_orders=1e400 (+1.2.3)"),
        ("rfm_orders=inf (+1.20)", "", "inf so far: clearly raises the chance"),
    ],
)  # fmt: skip
def test_reasons_in_words(code, basis, words):
    from crm_ml.pages.number_format import Currency

    assert reason_in_words(code, basis, Currency("EUR")) == words


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("once, last 12 days ago (p 0.031)", "bought once, last 12 days ago; 3.1 % likely to be bought"),
        ("never before (p 0.5)", "not bought by the customer before; 50.0 % likely to be bought"),
        ("bought 1,234 times within 28 days", "popular: bought 1,234 times in 28 days"),
        ("popular, for want of a score", "popular; the model has no score for it"),
        ("explores what is new, like others of tea", "tried out because it is new, like others of tea"),
        ("anything else (p 1.2.3)", "anything else (p 1.2.3)"),
    ],
)
def test_item_reasons_in_words(reason, words):
    assert item_in_words(reason) == words


def test_every_feature_has_words():
    named = [name for group in groups().values() for name in group.COLUMNS]
    assert len(named) > 90
    for name in [*named, *OF_ACTION]:
        told = feature_in_words(name, "0.5")
        assert told != f"{name} 0.5".replace("_", " ")
        assert "_" not in told
        assert "{" not in told


def hostile_list(target):
    """Fill a folder with rows whose every text tries to break out, and return facts and evaluation alike."""
    texts = {name: HOSTILE for name in ("channel", "value_basis", "consent_basis", "runner_up_action")}
    lists = {name: [HOSTILE] for name in ("item_ids", "item_reasons", "reason_codes")}
    many = [row(f"{HOSTILE}{number}", HOSTILE, **texts, **lists) for number in range(3)]
    many += [row(f"z{n}", HOSTILE, **texts, reason_codes=[f"rule: a < '{HOSTILE}'"]) for n in range(3)]
    fill(target, many, [other("d", HOSTILE, held_out=HOSTILE, action_id=HOSTILE)])
    made_of = ingredients(models={HOSTILE: HOSTILE}, policy=HOSTILE, data=HOSTILE, as_of=HOSTILE)
    told = facts(
        name=HOSTILE, list_id=HOSTILE, currency=HOSTILE, ingredients=made_of, contact_policy={HOSTILE: 3},
        funnel={"customers": 10, "pairs": 10, "by_offering": {HOSTILE: {"listed": 6}},
                "customers_left": {HOSTILE: 4}},
        hold_outs={"universal": 0.1, "actions": {HOSTILE: 0.1}},
        allocation=facts()["allocation"] | {"prices_cents": {HOSTILE: 3.0}, "compared_cents": {HOSTILE: 3}},
    )  # fmt: skip
    actions = {HOSTILE: EVALUATION["actions"]["coupon"]}
    return told, EVALUATION | {"list_id": HOSTILE, "as_of": HOSTILE, "actions": actions}


def test_no_text_breaks_out_and_nothing_comes_from_elsewhere(tmp_path, folder):
    told, evaluation = hostile_list(tmp_path)
    plain = {tag for tag, _ in Reader((folder / "page.html").read_text("utf-8")).elements}
    text = page(tmp_path, told, evaluation)
    found = Reader(text)
    assert {tag for tag, _ in found.elements} <= plain
    assert plain.isdisjoint({"script", "img", "link", "iframe", "object", "base", "form"})
    names = {name for _, given in found.elements for name in given}
    assert not {one for one in names if one.startswith("on") or one in ("src", "style", "srcset")}
    assert all(given["href"].startswith("#") for tag, given in found.elements if tag == "a")
    policy = next(given for _, given in found.elements if "http-equiv" in given)
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert not re.search(r"https?:|url\(|@import|\x00", text)
    assert text.count("<script") == text.count("<img") == 0
    assert text.count("</style>") == text.count("</title></rect>") + 1 - text.count("<rect") == 1
    assert "alert(1)" in found.text("rows")


def test_declared_attributes_are_not_repeated(tmp_path):
    fill(tmp_path, [row("c1", reason_codes=["attribute_city=Oslo (+0.83)"])])
    assert "Oslo" not in page(tmp_path, facts())


def test_the_bytes_depend_on_the_list_alone(folder, tmp_path, monkeypatch):
    first = (folder / "page.html").read_bytes()
    monkeypatch.setenv("CRM_ML_THREADS", "1")
    fill(tmp_path, rows(), others())
    write_page(tmp_path, dict(reversed(facts().items())), EVALUATION)
    assert (tmp_path / "page.html").read_bytes() == first


def test_a_page_of_many_actions_with_long_texts_stays_small(tmp_path):
    keys = [f"{number:03d}_{'action_' * 9}"[:64] for number in range(200)]
    items = {"item_ids": ["i" * 200] * 100, "item_reasons": [f"goes with {'x' * 3_000} (+0.5)"] * 100}
    codes = {"reason_codes": [f"rule: {'a' * 3_900}"] * 5}
    fill(
        tmp_path,
        [row(f"{number:04d}{'c' * 300}", keys[number % 200], **items, **codes) for number in range(400)],
    )
    by_offering = {f"{key}/{channel}": FUNNEL["coupon"] for key in keys for channel in ("mail", "push")}
    prices = {f"action {key}": 5.0 for key in by_offering}
    told = facts(
        funnel={"customers": 1_000, "pairs": 400_000, "by_offering": by_offering},
        contact_policy={f"rule {number} {'r' * 200}": number for number in range(200)},
        allocation=facts()["allocation"] | {"prices_cents": prices},
        hold_outs={"universal": 0.1, "actions": dict.fromkeys(keys, 0.1)},
    )
    actions = dict.fromkeys(by_offering, EVALUATION["actions"]["coupon"])
    text = page(tmp_path, told, EVALUATION | {"actions": actions})
    assert len(text.encode()) < 300_000
    listed = Reader(text).text("funnel")
    assert "360 further actions" in listed
    assert f"{360 * 400:,}" in listed


def test_older_and_empty_lists_have_a_page_too(tmp_path):
    (tmp_path / "old").mkdir()
    fill(tmp_path / "old", rows(), None, drop=("send_at", "priority"))
    told = read(tmp_path / "old", {"list_id": "ab"})
    assert "no funnel" in told.text("funnel")
    assert "no certificate" in told.text("overview")
    assert "expected value after cost 98.00 " in told.text("overview")
    assert "hours of the day" not in told.text("volumes")
    (tmp_path / "new").mkdir()
    fill(tmp_path / "new", [])
    told = read(tmp_path / "new", facts())
    assert "rows 0" in told.text("overview")
    assert "no rows" in told.text("rows")


def luminance(colour):
    parts = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear, float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one, two):
    low, high = sorted((luminance(one)[1], luminance(two)[1]))
    return (high + 0.05) / (low + 0.05)


# Machado, Oliveira and Fernandes (2009), severity 1: what protanopes and deuteranopes see, in linear RGB
SEEN = {
    "protan": [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]
    ],
}  # fmt: skip


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_are_readable_and_told_apart_without_red_or_green(scheme):
    for ground in ("card", "paper"):
        assert contrast(scheme["ink"], scheme[ground]) >= 7
        assert contrast(scheme["muted"], scheme[ground]) >= 4.5
        assert contrast(scheme["bar"], scheme[ground]) >= 4.5  # links have it too
    assert contrast(scheme["muted"], scheme["soft"]) >= 4.5
    for name in ("bar", "strong", "limit"):
        assert contrast(scheme[name], scheme["card"]) >= 3
    for matrix in SEEN.values():
        for one, two in combinations(("bar", "strong", "limit"), 2):
            seen = [
                np.clip(np.array(matrix) @ luminance(scheme[name])[0], 0, 1) ** (1 / 2.2)
                for name in (one, two)
            ]
            assert np.abs(seen[0] - seen[1]).max() > 0.2


SIZES = {"wide": (1_000, "light"), "phone": (400, "light"), "night": (1_000, "dark")}
MEASURE = """
addEventListener('load', () => {
  const told = {};
  for (const frame of document.querySelectorAll('iframe')) {
    const page = frame.contentDocument, left = frame.getBoundingClientRect().x;
    const bars = [...page.querySelectorAll('figure.bars li')].map(one => {
      const rect = one.querySelector('rect'), at = rect.getBoundingClientRect();
      return {figure: one.closest('figure').querySelector('figcaption').textContent,
              tone: rect.getAttribute('class'), shown: one.querySelector('b').textContent,
              x: left + at.x, y: at.y + at.height / 2, width: at.width};
    });
    const wide = page.documentElement.clientWidth, out = [];
    for (const one of page.querySelectorAll('body *')) {
      if (one.closest('.scroll') && !one.matches('.scroll') || one.closest('title')) continue;
      const at = one.getBoundingClientRect();
      const holder = one.closest('section, header, footer');
      const edge = holder ? holder.getBoundingClientRect() : {left: 0, right: wide};
      if (at.right > edge.right + 0.5 || at.left < edge.left - 0.5) out.push(one.tagName + one.textContent);
    }
    told[frame.id] = {wide, scroll: page.documentElement.scrollWidth, out, bars,
      injected: page.querySelectorAll('script, img').length,
      ground: getComputedStyle(page.body).backgroundColor, sections: page.querySelectorAll('section').length};
  }
  document.getElementById('told').textContent = JSON.stringify(told);
});
"""


def frame(name, text):
    width, scheme = SIZES[name]
    look = f"flex:none;border:0;width:{width}px;height:5000px;color-scheme:{scheme}"
    return f'<iframe id="{name}" style="{look}" srcdoc="{escape(text)}"></iframe>'


def drawn_by_browser(chromium, folder, text):
    """Draw the page three times side by side; return what was measured and the picture."""
    import matplotlib.image

    frames = "".join(frame(name, text) for name in SIZES)
    wrapper = f'<!DOCTYPE html><body style="margin:0;display:flex">{frames}<pre id="told" hidden></pre>'
    (folder / "wrapper.html").write_text(f"{wrapper}<script>{MEASURE}</script>", "utf-8")
    switches = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --hide-scrollbars --force-device-scale-factor=1 --dump-dom"
    )
    done = subprocess.run(
        [chromium, *switches.split(), f"--user-data-dir={folder / 'user'}", "--window-size=2400,5000",
         f"--screenshot={folder / 'page.png'}", (folder / "wrapper.html").as_uri()],
        capture_output=True, timeout=110, check=True, text=True,
    )  # fmt: skip
    told = re.search(r'<pre id="told"[^>]*>(.*?)</pre>', done.stdout, re.DOTALL)
    assert told is not None, done.stderr[-2_000:]
    picture = matplotlib.image.imread(folder / "page.png")[:, :, :3]
    return json.loads(told[1].replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")), picture


def length_on_picture(picture, bar, colour):
    """Count the pixels of a colour from the left end of a bar on, along its middle."""
    wanted = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    line = np.abs(picture[int(bar["y"]), round(bar["x"]) :] - wanted).max(axis=1) < 0.02
    return int(np.argmin(line)) if not line.all() else len(line)


def number_of(shown):
    return float(shown.split(" · ")[0].split(" ")[0].replace(",", ""))


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.xdist_group("browser")
def test_a_browser_draws_bars_as_long_as_their_numbers_and_nothing_runs_over(tmp_path):
    chromium = shutil.which("chromium")
    if chromium is None:
        print("chromium is not installed: the page is not drawn")  # noqa: T201
        pytest.skip("chromium is not installed")
    long_name = "a_very_long_name_of_an_action_for_good_customers_who_are_away_xy"
    many = [
        *rows(),
        *[row(f"d{n:02d}", long_name, value=123_456_789, reason_codes=[HOSTILE]) for n in range(5)],
    ]
    fill(tmp_path, many[::2], others())
    told, picture = drawn_by_browser(chromium, tmp_path, page(tmp_path, facts(), EVALUATION))
    assert list(told) == list(SIZES)
    for name, (width, scheme) in SIZES.items():
        colours, found = {"light": LIGHT, "dark": DARK}[scheme], told[name]
        assert found["scroll"] == found["wide"] == width, f"{name} scrolls sideways"
        assert found["out"] == []
        assert (found["injected"], found["sections"]) == (0, 9)
        ground = tuple(int(colours["paper"][place : place + 2], 16) for place in (1, 3, 5))
        assert found["ground"] == f"rgb{ground}"
        charts = {bar["figure"] for bar in found["bars"]}
        assert len(charts) == 7
        for chart in charts:
            bars = [bar for bar in found["bars"] if bar["figure"] == chart]
            longest = max(bars, key=lambda bar: bar["width"])
            for bar in bars:
                length = length_on_picture(picture, bar, colours[bar["tone"]])
                expected = longest["width"] * number_of(bar["shown"]) / number_of(longest["shown"])
                assert abs(length - expected) <= 1.5, (name, bar)
