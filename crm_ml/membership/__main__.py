"""``python -m crm_ml.membership CONFIG``: tiers and points of the members of a day."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml import commands

if TYPE_CHECKING:
    from rich.console import Console

    from crm_ml.membership.membership_run import MembershipOfADay


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish the standing of a day and show it in figures; return the exit code."""
    return commands.run(_main, arguments)


def _main(arguments: Sequence[str] | None) -> None:
    from rich.console import Console

    from crm_ml.membership.membership_run import load_membership, run

    parser = commands.parser("crm_ml.membership", "Tiers and points of the members of a day.")
    parser.add_argument("config", metavar="CONFIG", help="such as membership/simulated")
    parser.add_argument("--as-of", metavar="DAY", help="YYYY-MM-DD; only orders before it count")
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder of the files of all days")
    parser.add_argument("--track", action="store_true", help="log the day as a run of MLflow")
    commands.add_settings(parser)
    options = parser.parse_args(arguments)
    name = options.config.removeprefix("configs/").removesuffix(".yaml")
    overrides = [*options.set, *([f"as_of={options.as_of}"] if options.as_of else [])]
    settings, title = load_membership(name, overrides), name.rpartition("/")[2]
    done = run(settings, title, options.out)
    show(Console(), done)
    if options.track:
        from crm_ml import tracking

        run_name = f"{title} {settings.as_of}"
        tracking.log_day("membership", run_name, settings.model_dump(mode="json"), done.intervals, done.facts)


def show(console: "Console", done: "MembershipOfADay") -> None:
    """Print members by tier, the verdict on the probability, and what the points will cost."""
    from rich.table import Table

    table = Table(title=f"{len(done.members):,} members")
    for title in ("tier", "members", "expected to rise"):
        table.add_column(title, justify="left" if title == "tier" else "right")
    for tier, rows in done.members.groupby("member_tier", sort=False):
        rises = f"{rows['member_p_next'].sum():,.0f}" if "member_p_next" in rows else ""
        table.add_row(str(tier), f"{len(rows):,}", rises)
    console.print(table)
    if done.chance is not None:
        console.print(str(done.chance), markup=False, soft_wrap=True)
    if done.liability is not None:
        owed = done.liability
        ends = ", ".join(f"{end:,.0f}" for end in (owed.redeemed.low, owed.redeemed.high))
        text = f"points held: {owed.outstanding:,}; spent within a year: {owed.redeemed.value:,.0f} [{ends}]"
        console.print(text, markup=False, soft_wrap=True)
    console.print(
        f"page: {done.folder / 'page.html'}",
        f"members: {done.folder}",
        sep="\n",
        markup=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    sys.exit(main())
