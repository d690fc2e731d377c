"""Settings of layers as the command line names them, and the folder of all days."""

from collections.abc import Sequence
from pathlib import Path

from crm_ml.config import load
from crm_ml.errors import ConfigError
from crm_ml.layers.settings import LayerSettings
from crm_ml.storage.paths import configs_folder, data_folder, inside, project_root


def layer_settings(config: str, overrides: Sequence[str] = ()) -> LayerSettings:
    """Read ``configs/layers/<config>.yaml``.

    Parameters
    ----------
    config : str
        With or without ``configs/``, ``layers/`` and ``.yaml``.
    overrides : sequence of str
        Such as ``"moves.horizon_days=14"``.

    Raises
    ------
    ConfigError
        If there is no such file inside the project, or it is wrong.
    """
    configs = configs_folder()
    name = config.removeprefix("configs/").removeprefix("layers/").removesuffix(".yaml")
    path = inside(configs, f"layers/{name}.yaml")
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in configs.glob("layers/*.yaml"))) or "none"
        raise ConfigError(f"layers/{name}: no layers of that name; there are {known}")
    return load(path, LayerSettings, overrides)


def out_folder(settings: LayerSettings) -> Path:
    """Return the folder of all days of the layers.

    Raises
    ------
    ConfigError
        If it lies outside the project.
    """
    folder = inside(project_root(), settings.out) if settings.out else data_folder() / "layers"
    return folder / settings.name
