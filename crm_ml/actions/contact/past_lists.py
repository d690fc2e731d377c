"""Rows of earlier lists, dealt to the parts of the customers, so that no part reads those of all others."""

from collections.abc import Sequence
from pathlib import Path

from crm_ml.parts.part_number import part_sql
from crm_ml.storage import manifest
from crm_ml.tables.engine import connect_for_frames
from crm_ml.tables.sql import parquet_rows

_TEXTS = ("customer_id", "action_id", "channel")


def deal_past_lists(files: Sequence[Path], count: int, folder: Path) -> None:
    """Deal the rows of earlier lists to parts, all or nothing; a folder that is there is left as it is.

    Parameters
    ----------
    files : sequence of Path
        ``list.parquet`` of earlier lists, at least one.
    count : int
        Parts in all.
    folder : Path
        Gets ``part=<number>/*.parquet`` and a manifest.
    """
    if (folder / manifest.MANIFEST).is_file():
        return
    with manifest.new_folder(folder, parts=count) as space, connect_for_frames() as connection:
        rows = connection.sql(f"FROM {parquet_rows(*files, options='union_by_name = true')}")
        texts = [f"CAST({name} AS VARCHAR) AS {name}" for name in _TEXTS]
        send_at = "send_at" if "send_at" in rows.columns else "CAST(NULL AS TIMESTAMPTZ) AS send_at"
        part = f"{part_sql('CAST(customer_id AS VARCHAR)', count)} AS part"
        dealt = rows.project(", ".join([*texts, "as_of", send_at, "expires_at", part]))
        dealt.write_parquet(str(space), partition_by=["part"], compression="zstd", overwrite=True)


def past_lists_of(folder: Path, number: int) -> list[Path]:
    """Return the files of a part, as `crm_ml.actions.contact.contact_history.contacts` reads earlier lists.

    Raises
    ------
    IntegrityError
        If one of them has changed.
    """
    files = sorted((folder / f"part={number}").glob("*.parquet"))
    manifest.verify_files(folder, files)
    return files
