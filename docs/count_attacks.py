"""Play the attacks of ``tests/security`` and write how many held into the page of security.

``python docs/count_attacks.py`` plays the sample of ``make test-all``, with
``CRM_ML_TESTS=soak`` all of them.
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/explanation/security.md"
TESTS = ROOT / "tests/security"
MARKS = "<!-- attacks -->", "<!-- end of attacks -->"


def main() -> int:
    """Write the table; return the exit code of the tests."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q"),
                *("-o", "junit_family=xunit1", f"--junitxml={report}", str(TESTS)),
            ],
            cwd=ROOT,
            env={"CRM_ML_TESTS": "all"} | dict(os.environ),
            check=False,
        )
        tried, held = counts(report)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    PAGE.write_text(f"{before}{MARKS[0]}\n{table(tried, held)}{MARKS[1]}{after}", encoding="utf-8")
    return ended.returncode


def counts(report: Path) -> tuple[Counter[str], Counter[str]]:
    """Return how many attacks were tried and how many held, by the module that plays them."""
    tried: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for case in ElementTree.parse(report).iter("testcase"):
        module = str(case.get("classname")).rpartition(".")[2]
        attacks = sum(
            int(each.get("value", 1)) for each in case.iter("property") if each.get("name") == "tried"
        )
        if case.find("skipped") is not None:
            continue
        tried[module] += attacks or 1
        held[module] += (attacks or 1) * (case.find("failure") is None and case.find("error") is None)
    return tried, held


def table(tried: Counter[str], held: Counter[str]) -> str:
    """Return the table of promises in Markdown."""
    sys.path.insert(0, str(TESTS))
    from promises import PROMISES

    rows = [f"| {PROMISES[module]} | {tried[module]:,} | {held[module]:,} |" for module in PROMISES]
    total = f"| **all** | **{tried.total():,}** | **{held.total():,}** |"
    return "\n".join(["| promise | attacks tried | held |", "|---|---:|---:|", *rows, total, ""])


if __name__ == "__main__":
    raise SystemExit(main())
