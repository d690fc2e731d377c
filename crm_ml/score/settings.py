"""Settings of a scoring run and the reading of its files."""

from datetime import date
from pathlib import Path, PurePath
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError

from crm_ml.errors import ConfigError
from crm_ml.score.catalog import Name, Strict

MAX_BYTES = 1_000_000
Model = TypeVar("Model", bound=Strict)


def _inside(text: str) -> str:
    path = PurePath(text)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(f"{text!r} must be a relative path inside the project")
    return text


ProjectPath = Annotated[str, AfterValidator(_inside)]


class ScoreSettings(Strict):
    """One scoring run.

    Parameters
    ----------
    name : str
        Name of the list; its folders stand in ``<out>/<name>/``.
    data : str
        Data that is scored: a data set by name.
    model : str
        Registered churn model, ``<name>@<alias>``.
    as_of : date, optional
        Day of the list; the command line may give it instead. Never the clock.
    actions : str
        Action catalogue.
    consent : {"table", "assumed"}
        ``assumed`` where the tables have no consents; each row of the list says it too.
    daily_cap : int, optional
        At most this many rows in the list.
    out, work : str
        Folders of the lists and of the feature and score tables.
    """

    name: Name
    data: str
    model: Annotated[str, Field(pattern=r"^[a-z0-9_-]+@[a-z0-9_-]+$")] = "churn@champion"
    as_of: date | None = None
    actions: ProjectPath
    consent: Literal["table", "assumed"] = "table"
    daily_cap: Annotated[int, Field(ge=1)] | None = None
    out: ProjectPath = "data/lists"
    work: ProjectPath = "data/scores"


def read_yaml(path: Path, model: type[Model]) -> Model:
    """Read a YAML file into a configuration.

    Raises
    ------
    ConfigError
        With every breach at once, each with its place in the file.
    """
    import yaml

    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise ConfigError(f"{path}: more than {MAX_BYTES:,} bytes; a configuration is shorter")
        content = yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is no YAML: {error}") from error
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigError(_all_breaches(path, error)) from error


def _all_breaches(path: Path, error: ValidationError) -> str:
    lines = []
    for breach in error.errors(include_url=False, include_context=False):
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in breach["loc"])
        lines.append(f"  {place.lstrip('.') or 'the file'}: {breach['msg'].removeprefix('Value error, ')}")
    return f"{path}: {len(lines)} mistakes\n" + "\n".join(lines)
