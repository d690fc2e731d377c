"""Compute the golden values of list metrics with RecTools; not collected by pytest.

It is no dependency. In an environment of its own:

    pip install rectools==0.19.0
    python tests/evaluation/make_list_golden.py

It writes list_golden.json beside this file, which test_beyond_accuracy.py and test_recommendation.py read.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from rectools.metrics import MAP, MRR, NDCG, HitRate, IntraListDiversity, Precision, Recall, Serendipity
from rectools.metrics.debias import DebiasConfig, debias_interactions
from rectools.metrics.distances import PairwiseHammingDistanceCalculator

USERS, ITEMS, PLACES, K = 30, 25, 8, 5
METRICS = {
    "ndcg": NDCG(K, divide_by_achievable=True),
    "ndcg_of_k_hits": NDCG(K),
    "map": MAP(K),
    "map_of_k_hits": MAP(K, divide_by_k=True),
    "mrr": MRR(K),
    "recall": Recall(K),
    "precision": Precision(K),
    "hit_rate": HitRate(K),
}


def made(seed):
    """Lists, what was bought afterwards and before, and kinds of items, of a recipe that the test repeats."""
    rng = np.random.RandomState(seed)
    lists = np.array([rng.permutation(ITEMS)[:PLACES] for _ in range(USERS)])
    after = rng.rand(USERS, ITEMS) < 0.15
    after[np.arange(USERS), rng.randint(0, ITEMS, USERS)] = True
    after[:24, 3] = True  # bought by nearly all
    before = rng.poisson(3 * (1 + np.arange(ITEMS)[::-1] / 5), ITEMS)
    kinds = rng.randint(0, 3, (ITEMS, 4))
    return lists, after, before, kinds


def main():
    """Write all values with the version that gave them."""
    cases = {}
    for seed in (0, 1):
        lists, after, before, kinds = made(seed)
        users = np.repeat(np.arange(USERS), PLACES)
        ranks = np.tile(np.arange(1, PLACES + 1), USERS)
        reco = pd.DataFrame({"user_id": users, "item_id": lists.ravel(), "rank": ranks})
        user, item = np.nonzero(after)
        bought = pd.DataFrame({"user_id": user, "item_id": item})
        earlier = np.repeat(np.arange(ITEMS), before)
        past = pd.DataFrame({"user_id": np.arange(len(earlier)) % 7 + 1_000, "item_id": earlier})
        serendipity = Serendipity(k=K).calc_per_user(reco, bought, past, np.arange(ITEMS))
        distances = PairwiseHammingDistanceCalculator(pd.DataFrame(kinds, index=np.arange(ITEMS)))
        distance = IntraListDiversity(k=K, distance_calculator=distances).calc_per_user(reco)
        thinned = debias_interactions(bought, DebiasConfig(iqr_coef=1.5, random_state=0))
        cases[str(seed)] = {
            **{
                name: metric.calc_per_user(reco, bought).sort_index().astype(float).tolist()
                for name, metric in METRICS.items()
            },
            "serendipity": serendipity.sort_index().tolist(),
            "hamming": distance.sort_index().tolist(),
            "debiased": np.bincount(thinned["item_id"], minlength=ITEMS).tolist(),
        }
    content = {"versions": {"rectools": version("rectools")}, "cases": cases}
    path = Path(__file__).with_name("list_golden.json")
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
