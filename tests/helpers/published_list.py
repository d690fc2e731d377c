"""A published list of a few customers, as far as it is needed to judge its scores later."""

import pandas as pd

from crm_ml.lists.read_list import LIST_FILE
from crm_ml.storage import manifest
from crm_ml.storage.identity import identity


def publish_list(target, day, models, scores, listed=(), policy="one"):
    """Publish whom a list contacts, its models and the names of its score tables; return its folder."""
    ingredients = {"as_of": f"{day}T00:00:00+00:00", "models": models, "policy": policy}
    told = {"list_id": identity(ingredients), "ingredients": ingredients}
    told |= {} if scores is None else {"scores": scores}
    folder = target / f"{day}-{told['list_id'][:16]}"
    with manifest.new_folder(folder, **told) as inside:
        pd.DataFrame({"customer_id": [*listed]}, dtype=object).to_parquet(inside / LIST_FILE)
    return folder
