"""What the registry says of a model and of its versions: descriptions and tags."""

from collections.abc import Mapping

from crm_ml.tracking.store import connect

_LONGEST = 5000  # of a description, what every store takes


def describe_model(name: str, text: str, tags: Mapping[str, str]) -> None:
    """Set description and tags of a registered name; a description that somebody wrote stays."""
    client = connect()
    registered = client.get_registered_model(name)
    if not registered.description:
        client.update_registered_model(name, text[:_LONGEST])
    for key, value in tags.items():
        if registered.tags.get(key) != value:
            client.set_registered_model_tag(name, key, value)


def describe_version(name: str, version: str, text: str, tags: Mapping[str, str]) -> None:
    """Set description and tags of a version."""
    client = connect()
    client.update_model_version(name, version, text[:_LONGEST])
    for key, value in tags.items():
        client.set_model_version_tag(name, version, key, value)
