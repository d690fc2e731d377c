"""Classes of one kind by name: the modules of a package, entry points, and ``module:Class`` of one's own."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any, Generic, TypeVar, cast

from crm_ml.errors import ConfigError
from crm_ml.plugins import full_name, installed, is_own, named

T = TypeVar("T")


class Registry(Mapping[str, Callable[..., T]], Generic[T]):
    """The classes that a config may name, each with what makes an object of it.

    A class of the package goes by the name of its module; where it has ``variants``, it goes by their names
    too, with the parameters that each of them fixes. An entry point of the group adds a name, and
    ``module:Class`` stands for any class that can be imported.

    Parameters
    ----------
    package : str
        Package whose modules are searched, such as ``"crm_ml.models"``.
    base : type
        Base class; of a `Protocol` its members are asked for.
    noun : str
        What one is called in errors.
    group : str
        Of entry points.
    """

    def __init__(self, package: str, base: type[Any], noun: str, group: str) -> None:
        self.package, self.base, self.noun, self.group = package, base, noun, group

    def __getitem__(self, name: str) -> Callable[..., T]:
        """Return what makes an object of this name.

        Raises
        ------
        KeyError
            If nothing has the name.
        ConfigError
            If a class of one's own does not exist or lacks what is asked for.
        """
        if is_own(name):
            return self._checked(name, named(name))
        if name in self._own:
            return self._own[name]
        point = installed(self.group)[name]
        return self._checked(point.value, named(point.value))

    def __iter__(self) -> Iterator[str]:
        return iter([*self._own, *(name for name in installed(self.group) if name not in self._own)])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def create(self, name: str, **parameters: Any) -> T:
        """Make an object by name, with parameters of its class.

        Raises
        ------
        ConfigError
            If there is no such name, class or parameter, or a class of one's own lacks what is asked for.
        InputError
            If the class refuses a value of a parameter.
        """
        try:
            make = self[name]
        except KeyError:
            raise ConfigError(f"{name!r} is no {self.noun}; there are {', '.join(self)}") from None
        fixed = make.keywords if isinstance(make, partial) else {}
        names = [key for key in inspect.signature(make).parameters if key not in fixed]
        unknown = sorted(set(parameters) - set(names))
        if unknown:
            raise ConfigError(
                f"{name} has no parameter {', '.join(unknown)}; it has {', '.join(names) or 'none'}"
            )
        seed = parameters.get("seed", 0)
        if isinstance(seed, int) and seed < 0:  # refused by generators of random numbers, once they are used
            raise ConfigError(f"{name}: seed is {seed}; write a whole number from 0")
        try:
            return make(**parameters)
        except TypeError as error:
            raise ConfigError(f"{name} can't be made of these parameters: {error}") from error

    @cached_property
    def _own(self) -> dict[str, Callable[..., T]]:
        """What the modules of the package hold, in ascending order of the names."""
        path = importlib.import_module(self.package).__path__
        made: dict[str, Callable[..., T]] = {}
        for module in sorted(info.name for info in pkgutil.iter_modules(path)):
            home = importlib.import_module(f"{self.package}.{module}")
            for kind in vars(home).values():
                if inspect.isclass(kind) and kind.__module__ == home.__name__ and not self._lacking(kind):
                    made[module] = cast("Callable[..., T]", kind)
                    variants: Mapping[str, Mapping[str, Any]] = getattr(kind, "variants", {})
                    made |= {name: partial(made[module], **fixed) for name, fixed in variants.items()}
        return dict(sorted(made.items()))

    def _checked(self, name: str, kind: Any) -> Callable[..., T]:
        if not inspect.isclass(kind):
            raise ConfigError(f"{name!r} is no {self.noun}: it is no class")
        lacking = self._lacking(kind)
        if lacking:
            raise ConfigError(f"{name!r} is no {self.noun}: it lacks {', '.join(lacking)}")
        return cast("Callable[..., T]", kind)

    def _lacking(self, kind: type[Any]) -> list[str]:
        """Return what a class lacks to be one of these."""
        if "_is_protocol" in vars(kind) and kind._is_protocol:
            return ["a body of its own, for it is a protocol"]
        if getattr(self.base, "_is_protocol", False):
            return [name for name in vars(self.base) if not name.startswith("_") and not hasattr(kind, name)]
        if not issubclass(kind, self.base):
            return [f"the base class {full_name(self.base)}"]
        return sorted(getattr(kind, "__abstractmethods__", ()))
