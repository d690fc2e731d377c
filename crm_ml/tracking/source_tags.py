"""Who made a run and by what, as MLflow itself notes it."""

import contextlib

from crm_ml.masking import masked_file

USER, NAME, KIND, COMMIT = (
    "mlflow.user",
    "mlflow.source.name",
    "mlflow.source.type",
    "mlflow.source.git.commit",
)


def source_tags(source: str) -> dict[str, str]:
    """Return the tags of user and source of a run.

    Parameters
    ----------
    source : str
        Command or function that makes the run, without paths; there is no source where it is empty.

    Returns
    -------
    dict of str to str
        The user is the one that MLflow would note: of the store, else of the system; none where neither is
        known.
    """
    tags = {NAME: masked_file(source), KIND: "LOCAL"} if source else {}
    with contextlib.suppress(OSError, KeyError):  # a container may have a user without a name
        from mlflow.tracking.context.default_context import DefaultRunContext

        tags[USER] = str(DefaultRunContext().tags()[USER])  # type: ignore[no-untyped-call]
    return tags
