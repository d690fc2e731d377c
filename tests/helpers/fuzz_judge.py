"""What a command must hold that was given a mutated project: see `judge`."""

import contextlib
import json
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Any

CODES = {0, 2, 3, 4, 5}
LINES, CHARACTERS = 110, 4_000  # a list of mistakes ends after 100
SPAM = re.compile(
    r"Traceback \(most recent|Exception ignored|^\S*Warning: |: \w*Warning: |"
    r"^\d{4}/\d\d/\d\d .*(WARNING|INFO|ERROR)",
    re.MULTILINE,
)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
FRAME = re.compile(r'File "[^"]*/(crm_ml/[^"]*)", line (\d+), in (\w+)')


def listing(case: Path) -> dict[str, tuple[int, int, int]]:
    """Return mode, size and time of all that lies beside the project of a case."""
    entries = {}
    for name in ("home", "outside", "tmp"):
        for path in [case / name, *(case / name).rglob("*")]:
            if not (path == case / "home" or path == case / "tmp"):
                status = path.lstat()
                entries[str(path.relative_to(case))] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return entries


def judge(
    case: Path, before: dict[str, Any], code: int, hung: bool, growth: int, limit: int
) -> dict[str, Any]:
    """Return what a command did wrong, and how it ended.

    Its exit code must be documented, which 70, a signal and the end of Python by an exception are not; what
    it writes on standard error is lines without the noise of a library; it takes 20 s and grows by 2 GB at
    most, and leaves all beside its project as it was.
    """
    out, err = (_text(case / name) for name in ("stdout", "stderr"))
    plan = json.loads(_text(case / "plan.json") or "{}")
    report = _report(case)
    faults = []
    if not plan:
        faults.append("the mutation itself failed")
    if hung:
        faults.append("hangs")
    elif code not in CODES:
        faults.append(f"exit code {code}")
    if growth > limit:
        faults.append(f"grows by {growth / 2**30:.1f} GB")
    faults += _wrong_words(code, out, err, plan)
    faults += _left(case, before, plan)
    trace = report or err
    return {
        "code": code, "faults": faults, "what": plan.get("what", ""), "words": plan.get("words", []),
        "environment": plan.get("environment", {}), "kind": _kind(faults, trace), "growth_mb": growth >> 20,
        "stderr": err[-1500:], "report": report[-6000:] if faults else "",
    }  # fmt: skip


def _wrong_words(code: int, out: str, err: str, plan: dict[str, Any]) -> list[str]:
    faults = [f"{name}: {spam.group(0)!r}" for name, text in (("stdout", out), ("stderr", err))
              if (spam := SPAM.search(text))]  # fmt: skip
    colours = "FORCE_COLOR" in plan.get("environment", {})  # by which a user asks for them
    if CONTROLS.search(err) and not colours:
        faults.append("control characters on stderr")
    lines = err.splitlines()
    if code in CODES - {0} and not err.strip():
        faults.append("no word on stderr")
    if len(lines) > LINES or any(len(line) > CHARACTERS for line in lines):
        faults.append(f"{len(lines)} lines on stderr, {max(map(len, lines))} characters in one")
    heads = [line for line in lines if line.startswith("error: ")]
    if len(heads) > 1 and code in CODES:
        faults.append(f"{len(heads)} errors in place of one")
    return faults


def _left(case: Path, before: dict[str, Any], plan: dict[str, Any]) -> list[str]:
    """Name what changed beside the project, but for what a word or a variable names itself."""
    named = [os.path.realpath(case / "project" / value) for value in plan.get("named", [])]
    after = listing(case)
    changed = [name for name in {*before, *after} if before.get(name) != after.get(name)]
    reports = re.compile(r"tmp/crm_ml-\w+\.txt")
    loose = sorted(
        name for name in changed
        if not reports.fullmatch(name)
        and not any((str(case / name) + "/").startswith(place.rstrip("/") + "/") for place in named)
        and not any(place.startswith(str(case / name) + "/") for place in named)
    )  # fmt: skip
    log = [
        line for line in _text(case / "outside.log").splitlines()
        if not any(line.split(" ", 1)[1].startswith(place) for place in named)
    ]  # fmt: skip
    return [f"left {name}" for name in loose[:3]] + [f"outside: {line}" for line in log[:3]]


def _report(case: Path) -> str:
    for path in sorted((case / "tmp").glob("crm_ml-*.txt")):
        return _text(path)
    return ""


def _kind(faults: list[str], trace: str) -> str:
    """Name what went wrong where, so that many failures of one kind stand together."""
    if not faults:
        return ""
    frames = FRAME.findall(trace)
    last = trace.strip().splitlines()[-1][:120] if frames else ""
    place = "{}:{} {}".format(*frames[-1]) if frames else ""
    first = re.sub(r"\d{2,}|'[^']*'", "_", faults[0])
    return f"{first} | {place} | {re.sub(r'[0-9]+', '_', last)}"


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_bytes()[:2_000_000].decode("utf-8", "backslashreplace")
    return ""


def remove(case: Path) -> None:
    """Remove a case, also folders that a mutation has closed."""

    def open_up(function, path, _error):
        with contextlib.suppress(OSError):
            Path(path).parent.chmod(stat.S_IRWXU)
            Path(path).chmod(stat.S_IRWXU)
            function(path)

    if case.exists():
        shutil.rmtree(case, onerror=open_up)
