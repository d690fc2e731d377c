"""Write lines into files of a limited size: none is lost, doubled or cut, and each file has the header."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from crm_ml.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


@dataclass(frozen=True)
class FilePart:
    """One file that was written.

    Parameters
    ----------
    file : str
        Its name.
    rows, bytes : int
        Rows without the header; bytes with it, as written.
    shard : tuple of str
        Values of the shard columns, the same in all its rows.
    """

    file: str
    rows: int
    bytes: int
    shard: tuple[str, ...] = ()


class Splitter:
    """Writes lines into numbered files; a new file begins with each shard and at each limit.

    Parameters
    ----------
    folder : Path
    suffix : str
    header : bytes
        First line of each file; may be empty.
    max_bytes, max_rows : int, optional
        Of one file, header included in the bytes.
    """

    def __init__(
        self,
        folder: Path,
        suffix: str,
        header: bytes,
        max_bytes: int | None = None,
        max_rows: int | None = None,
    ) -> None:
        self.folder, self.suffix, self.header = folder, suffix, header
        self.max_bytes, self.max_rows = max_bytes, max_rows
        self.parts: list[FilePart] = []
        self._file: IO[bytes] | None = None
        self._open = FilePart("", 0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def start(self, stem: str, shard: tuple[str, ...] = ()) -> None:
        """Begin a new file, which stays with its header alone if no line follows."""
        self._close()
        name = f"{stem}-{len(self.parts) + 1:05d}{self.suffix}"
        self._file = (self.folder / name).open("xb")
        self._file.write(self.header)
        self._open = FilePart(name, 0, len(self.header), shard)

    def write(self, lines: "pa.Array", stem: str, shard: tuple[str, ...] = ()) -> None:
        """Write lines of one shard.

        Parameters
        ----------
        lines : pyarrow.StringArray
            Whole lines with their ends, none null.
        stem : str
            How the name of a file begins; the number of the file follows.
        shard : tuple of str

        Raises
        ------
        InputError
            If a single line does not fit into a file.
        """
        content, ends = _bytes(lines)
        done = 0
        while done < len(lines):
            if self._file is None or self._open.shard != shard:
                self.start(stem, shard)
            fit = self._fit(ends, done)
            if fit == done and self._open.rows:
                self._close()
                continue
            if fit == done:
                raise InputError(f"a line of {ends[done + 1] - ends[done]:,} bytes does not fit into a file")
            self._append(content[ends[done] : ends[fit]], fit - done)
            done = fit

    def _fit(self, ends: "np.ndarray", done: int) -> int:
        """Return how far the lines after `done` fit into the open file."""
        import numpy as np

        last = len(ends) - 1
        if self.max_rows is not None:
            last = min(last, done + self.max_rows - self._open.rows)
        if self.max_bytes is not None:
            room = ends[done] + self.max_bytes - self._open.bytes
            last = min(last, int(np.searchsorted(ends, room, side="right")) - 1)
        return max(last, done)

    def _append(self, content: memoryview, rows: int) -> None:
        if self._file is not None:
            self._file.write(content)
        part = self._open
        self._open = FilePart(part.file, part.rows + rows, part.bytes + len(content), part.shard)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            self.parts.append(self._open)


def _bytes(lines: "pa.Array") -> tuple[memoryview, "np.ndarray"]:
    """Return the bytes of all lines, and where each ends, from 0 on."""
    import numpy as np
    import pyarrow as pa

    lines = lines.cast(pa.large_string())
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, np.int64)[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(data or b"").cast("B")[ends[0] : ends[-1]], ends - ends[0]
