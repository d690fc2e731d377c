"""Where the fits of a bootstrap begin, and what it says of those that do not converge."""

import numpy as np
import pandas as pd
import pytest

from crm_ml.clv import BetaGeo, GammaGamma
from crm_ml.clv.bootstrap import bootstrap
from crm_ml.clv.maximum_likelihood import NotConverged


@pytest.fixture(params=[BetaGeo, GammaGamma], ids=lambda model: model.__name__)
def fitted(request):
    rng = np.random.default_rng(8)
    x = rng.poisson(rng.gamma(1.0, 2.0, 400))
    money = np.where(x > 0, rng.gamma(6.0, 5.0 / rng.gamma(4.0, 1.0, 400)), 0.0)
    recency = np.where(x > 0, 1 + np.floor(29 * rng.random(400)), 0.0)
    summary = pd.DataFrame({"frequency": x, "recency": recency, "T": 30.0, "monetary_value": money})
    return request.param().fit(summary), summary


def refuse(monkeypatch, model, refused):
    """Let fits fail: those of whom `refused` says so, given the start and how many began there before."""
    name = "fit_grouped" if isinstance(model, GammaGamma) else "fit_histories"
    fit, begun = getattr(type(model), name), {"near": 0, "standard": 0}

    def maybe(self, data, *near):
        kind = "near" if near else "standard"
        begun[kind] += 1
        if refused(kind, begun[kind]):
            raise NotConverged("no maximum")
        return fit(self, data, *near)

    monkeypatch.setattr(type(model), name, maybe)
    return begun


def test_a_replicate_that_fails_near_the_fit_is_tried_from_the_standard_starts(monkeypatch, fitted):
    model, summary = fitted
    plain = bootstrap(model, summary, 4, np.random.default_rng(1))
    begun = refuse(monkeypatch, model, lambda kind, count: kind == "near" and count == 2)
    again = bootstrap(model, summary, 4, np.random.default_rng(1))
    assert begun == {"near": 4, "standard": 1}
    pd.testing.assert_frame_equal(again, plain, rtol=1e-4)


def test_replicates_that_fail_from_all_starts_are_counted(monkeypatch, fitted):
    model, summary = fitted
    begun = refuse(monkeypatch, model, lambda kind, count: kind == "standard" or count in (2, 5))
    with pytest.raises(NotConverged, match="2 of 6 replicates have no maximum"):
        bootstrap(model, summary, 6, np.random.default_rng(1))
    assert begun == {"near": 6, "standard": 2}
