"""Recommendation: items for each customer, to buy again and to discover.

Models with one interface, ``fit(interactions)`` and ``recommend(customers, k)``: popularity, repeat
purchases, neighbours and factorisation, and a model that ranks repeats and new items by probability.
"""

from crm_ml.recommend.als import ALS
from crm_ml.recommend.audience import audience
from crm_ml.recommend.bpr import BPR
from crm_ml.recommend.co_purchase import bought_together
from crm_ml.recommend.ease import EASE
from crm_ml.recommend.item_knn import ItemKNN
from crm_ml.recommend.list_rules import Rules
from crm_ml.recommend.next_item import NextItem
from crm_ml.recommend.offer import Offer
from crm_ml.recommend.personal_frequency import PersonalFrequency
from crm_ml.recommend.popularity import Popularity
from crm_ml.recommend.recommenders import RECOMMENDERS, create
from crm_ml.recommend.sparse_ease import SparseEASE
from crm_ml.recommend.two_heads import TwoHeads

__all__ = [
    "ALS",
    "BPR",
    "EASE",
    "RECOMMENDERS",
    "ItemKNN",
    "NextItem",
    "Offer",
    "PersonalFrequency",
    "Popularity",
    "Rules",
    "SparseEASE",
    "TwoHeads",
    "audience",
    "bought_together",
    "create",
]
