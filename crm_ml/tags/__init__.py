"""Tags: facts, rules and scores of each customer by name, packed as bits and combined into audiences."""

from crm_ml.tags.audience import Audience
from crm_ml.tags.catalogue import Tag, TagCatalogue
from crm_ml.tags.tag_run import load_catalogue
from crm_ml.tags.tag_store import TagStore

__all__ = ["Audience", "Tag", "TagCatalogue", "TagStore", "load_catalogue"]
