"""Results of one run by what they follow from, each made once."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from crm_ml.storage.identity import identity

T = TypeVar("T")


class Memo:
    """Results by what they follow from; nobody may change one that was returned.

    It lives as long as a run, so what a result follows from need not name the version of the code.

    Examples
    --------
    >>> memo, made = Memo(), []
    >>> [memo.once("fit", {"l2": l2}, lambda: made.append(0) or len(made)) for l2 in (1, 2, 1)]
    [1, 2, 1]
    """

    def __init__(self) -> None:
        self._results: dict[str, Any] = {}

    def once(self, kind: str, ingredients: Any, make: Callable[[], T]) -> T:
        """Return the result of `make`, or what it returned before for equal ingredients.

        Parameters
        ----------
        kind : str
            What is made.
        ingredients : Any
            All that it follows from, ready for JSON.
        make : callable
        """
        name = identity([kind, ingredients])
        if name not in self._results:
            self._results[name] = make()
        return cast(T, self._results[name])
