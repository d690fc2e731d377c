"""A list of fitted models is that of registered ones, and its page is drawn where a notebook shows it."""

import shutil
import subprocess

import pytest
import score_world
from score_world import AS_OF, churn_source
from small_fits import AS_OF as FIT_DAY
from small_fits import CHURN, SHOP

import crm_ml
from crm_ml import Action

COUPON = Action.simple("coupon", "mail", cost=0.8, margin=40, effect=0.1, score="p_churn")


@pytest.mark.slow
@pytest.mark.usefixtures("new_runs")
def test_a_model_from_memory_from_its_folder_and_from_the_registry_gives_one_list(tmp_path):
    shop = crm_ml.datasets.load("simulated", **SHOP)
    churn = crm_ml.fit("churn", shop, settings=CHURN, track=True)
    churn.save(tmp_path / "churn")
    stated = {"currency": "EUR", "daily_cap": 20, "hold_out": 0.05}
    lists = [
        crm_ml.decide(shop, FIT_DAY, model, COUPON, **stated) for model in (churn, str(tmp_path / "churn"))
    ]
    assert len({decided.list_id for decided in lists}) == 1
    for name in ("frame", "funnel"):
        assert getattr(lists[0], name).equals(getattr(lists[1], name))
    if churn.holds:
        named = crm_ml.decide(shop, FIT_DAY, "churn@champion", COUPON, **stated)
        assert named.list_id == lists[0].list_id
    assert any("fails gates" in note for note in lists[0].notes) != churn.holds


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_page_is_drawn_in_its_frame(tmp_path):
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: the page is not drawn")
    import matplotlib.image

    tables = score_world.tables(tmp_path)
    decided = crm_ml.decide(tables, AS_OF, churn_source(), COUPON, currency="EUR", consent="assumed")
    (tmp_path / "cell.html").write_text(f"<!DOCTYPE html><body>{decided.page()._repr_html_()}", "utf-8")
    switches = "--headless --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=1"
    subprocess.run(
        [chromium, *switches.split(), f"--user-data-dir={tmp_path / 'user'}", "--window-size=1000,800",
         f"--screenshot={tmp_path / 'cell.png'}", (tmp_path / "cell.html").as_uri()],
        capture_output=True, timeout=110, check=True,
    )  # fmt: skip
    picture = matplotlib.image.imread(tmp_path / "cell.png")[:, :, :3]
    inside = picture[40:700, 40:900]
    assert (inside.max(axis=2) < 0.5).mean() > 0.01  # text and bars, not an empty frame
