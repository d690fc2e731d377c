"""The champion of a family as scoring needs it."""

from crm_ml.score.scores import Scorer


def champion_scorer(model: str) -> Scorer:
    """Load the model behind an alias, after its sums were checked.

    Parameters
    ----------
    model : str
        ``<name>@<alias>``, such as ``"churn@champion"``.

    Raises
    ------
    InputError
        If no model has the alias.
    IntegrityError
        If a file of the model does not agree with its manifest (exit code 4).
    """
    from crm_ml import tracking
    from crm_ml.churn import artefact

    name, _, alias = model.partition("@")
    version = tracking.champion(name, alias)
    loaded = artefact.load(version.folder)
    return Scorer(name=name, sums=version.content, predict=loaded.predict, where="", reasons=loaded.reasons)
