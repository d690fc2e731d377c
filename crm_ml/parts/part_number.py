"""Which part a customer is dealt into, and how many parts there are."""

import os

from crm_ml import environment
from crm_ml.tables.bundle import Tables

MOST_PARTS = 4096
_KEY = "crm_ml part"
_BYTES_A_CUSTOMER, _BYTES_A_LINE = 2_000, 120  # of features of all groups, the widest step of a night
_BYTES_A_PART = 1_200_000_000


def part_sql(column: str, count: int) -> str:
    """Return the SQL (DuckDB) of the part of a customer: a keyed hash of the id, the same in all tables.

    The result of a night does not depend on it, so it may change with the version of DuckDB.

    Examples
    --------
    >>> part_sql("customer_id", 8)
    "hash(customer_id, 'crm_ml part') % 8"
    """
    return f"hash({column}, '{_KEY}') % {count}"


def check_parts(count: int) -> int:
    """Return a number of parts, or refuse it.

    Raises
    ------
    ValueError
        If it is no power of two from 1 to 4,096.
    """
    if not 1 <= count <= MOST_PARTS or count & (count - 1):
        raise ValueError(f"{count} is no power of two from 1 to {MOST_PARTS:,}; give 1, 2, 4, 8, ...")
    return count


def parts_for(customers: int, lines: int, memory_bytes: int, workers: int = 1) -> int:
    """Return the least number of parts, a power of two, whose features fit into memory.

    Parameters
    ----------
    customers, lines : int
        Customers and order lines of all of them.
    memory_bytes : int
        That the whole job may take.
    workers : int
        Parts that are worked on at the same time.

    Examples
    --------
    >>> parts_for(20_000, 430_000, 8 * 10**9), parts_for(10_000_000, 215_000_000, 8 * 10**9)
    (1, 64)
    """
    needed = customers * _BYTES_A_CUSTOMER + lines * _BYTES_A_LINE
    room = min(_BYTES_A_PART, memory_bytes // (4 * max(1, workers)))
    count = 1
    while count < MOST_PARTS and needed > count * room:
        count *= 2
    return count


def parts_of(tables: Tables, workers: int = 1) -> int:
    """Return how many parts the customers of tables are dealt into by default, see `parts_for`.

    The memory is that of ``CRM_ML_MEMORY``, else half of the machine's.
    """
    customers, lines = (_rows(tables, name) for name in ("customers", "order_lines"))
    return parts_for(customers, lines, environment.memory_bytes() or _memory_bytes() // 2, workers)


def _rows(tables: Tables, name: str) -> int:
    import narwhals as nw

    return int(tables.frame(name).select(rows=nw.len()).collect(backend="pyarrow")["rows"][0])


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
