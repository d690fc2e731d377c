"""What other packages warn of and nobody here can mend."""

import contextlib
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def third_party() -> Iterator[None]:
    """Let pass what MLflow's own database models warn of, once in a process."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The ``noload`` loader strategy", DeprecationWarning)
        yield
