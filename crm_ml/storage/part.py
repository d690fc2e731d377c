"""One of the parts that the customers of a day are dealt into, as files are named after it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Part:
    """A part of the customers; by default all of them.

    Parameters
    ----------
    number : int
        From 0.
    count : int
        Parts in all.

    Examples
    --------
    >>> Part(3, 8).folder(Path("scores")).as_posix(), Part(3, 8).file("churn")
    ('scores/of-8', 'part-00003.parquet')
    >>> WHOLE.folder(Path("scores")).as_posix(), WHOLE.file("churn")
    ('scores', 'churn.parquet')
    """

    number: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.count:
            raise ValueError(f"part {self.number} of {self.count} parts")

    @property
    def is_whole(self) -> bool:
        """Whether it is all customers."""
        return self.count == 1

    def folder(self, work: Path) -> Path:
        """Return the folder of all stages of as many parts."""
        return work if self.is_whole else work / f"of-{self.count}"

    def file(self, name: str) -> str:
        """Return the name of the part's file in the folder of a stage."""
        return f"{name}.parquet" if self.is_whole else f"{self.label}.parquet"

    @property
    def label(self) -> str:
        """Number of the part in a form that sorts."""
        return f"part-{self.number:05d}"

    def all(self) -> "list[Part]":
        """Return all parts, this one among them, in their order."""
        return [Part(number, self.count) for number in range(self.count)]


WHOLE = Part()
