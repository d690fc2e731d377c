"""Mutations of what surrounds a file: its kind, its sums, environment variables, and words of a command."""

import hashlib
import json
import os
import random
import re
import shutil
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import crm_ml

WORDS = (
    "", " ", "-", "--", "---", "-x", "--no-such-flag", "--help", "--version", "--set", "--set=", "--set=a",
    "--set=a=b", "=", "a=b", "@", "@file",
    "[/red]", "[bold", "%s", "{0}", "${HOME}", "a\nb", "\x1b[31m", "\u202e", "\udcff", "\U0001f600",
    "x" * 5000, "nope", "churn/nope", "../outside",
    "{outside}/new", "{outside}/other.csv", "data", ".", "..", "data/customers.csv",
    "configs/data/mine.yaml", "/dev/full", "/dev/null/x", "/proc/nope/x",
    "churn_mine@champion", "churn_mine@", "@champion", "0" * 32, "sqlite:///nope/x.db", "http://127.0.0.1:9",
    "nope://x", "csv:", "csv:/dev/null/x",
    "duckdb:data", "duckdb:data/customers.csv", "duckdb:", "postgres:", "csv:\udcff", "os:system",
    "crm_ml:nope", "..:x", "2024-06-30", "2024-02-30",
    "9999-12-31", "0001-01-01", "nan", "-1", "0", "99999999999999999999", "1e999", "None",
)  # fmt: skip
SETTINGS = (
    "seed=nan", "seed=-1", "seed=99999999999999999999", "seed=[", "seed", "=1", ".=1", "a..b=1", "data=1",
    "data.name=[/red]", "data.options={path: 1}",
    "data.path=../outside", "data.name=nope", "data.name=../outside/x.yaml", "model.name=os",
    "model.options={rounds: -1}", "model.options={rounds: 1e9}",
    "model.options={nope: 1}", "model={}", "split={}", "split.test=[]", "split.test=9999-12-31",
    "split.every_days=0", "split.training_snapshots=100000",
    "features={}", "features={nope: {}}", "features={rfm: {windows: [1.5]}}", "leave_out=['*']",
    "replicates=-1", "replicates=0", "register_as.name=../x",
    "register_as.name=[/red]", "register_as=null", "target.horizon_days=0", "target.horizon_days=1e9",
    "baselines=[]", "calibration={methods: [x]}",
    "name=../x", "name=''", "name=a/b", "work=../outside/w", "work=/dev/null/x", "as_of=9999-12-31",
    "as_of=0001-01-01", "as_of=x", "daily_cap=-1", "daily_cap=1e400",
    "consent=x", "hold_out={salt: '', universal: 2}", "hold_out.universal=nan",
    "actions=../outside/other.csv", "actions=data/crm.db", "models={}",
    "models={churn: nope@x}", "models={churn: 1}", "models={nope: churn_mine@champion}", "x=" + "[" * 3000,
    "x=!!python/object/apply:os.getcwd []", "name=\udcff",
    "name=" + "x" * 300, "hold_out.salt=\udcff", "engine=spark", "engine=x",
)  # fmt: skip
VALUES = (
    "", " ", "0", "-1", "1.5", "nan", "inf", "1e999", "9" * 30, "abc", "off", "on", "true", "1GB", "1 KB",
    "0GB", "1GB'; drop table x; --", "é", "\udcff", "[/red]",
    "a\nb", "{outside}/place", "{outside}/a'b", '{outside}/a"b', "{outside}/a?b#c", "{outside}/%20 x",
    "{outside}/other.csv", "/dev/null/x", "/proc/nope", "../outside/up",
    "sqlite:///x/y/z.db", "sqlite://", "sqlite:///{outside}/s.db", "http://127.0.0.1:9",
    "http://u:secret@127.0.0.1:9/x", "https://[::1", "nope://x", "file:{outside}/m",
    "databricks", "postgresql://u:secret@127.0.0.1:9/x", "mysql://x", "http://", "://", "x" * 5000,
    "Europe/Nowhere", "C", "POSIX", "dumb", "10", "100000000",
)  # fmt: skip
OTHERS = ("TMPDIR", "HOME", "XDG_CACHE_HOME", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME",
"MLFLOW_TRACKING_TOKEN", "OMP_NUM_THREADS", "COLUMNS",
          "LINES", "TZ", "TERM", "FORCE_COLOR", "NO_COLOR", "LC_ALL", "MPLBACKEND", "HTTP_PROXY", "USER",
          "PYTHONWARNINGS", "CRM_DATABASE_URL")  # fmt: skip
SPARSE_BYTES = 2**30
OWN = re.compile(r"[\"'](CRM_ML_[A-Z_]+|MLFLOW_TRACKING_[A-Z_]+)[\"']")


def variables() -> list[str]:
    """Return the names of all environment variables that the package reads, and of others that matter."""
    texts = (path.read_text(encoding="utf-8") for path in Path(crm_ml.__path__[0]).rglob("*.py"))
    return sorted({name for text in texts for name in OWN.findall(text)} | set(OTHERS))


def environment(draw: random.Random, case: Path) -> dict[str, Any]:
    """Draw one or two variables with values that nobody expects."""
    values = {}
    for name in draw.sample(variables(), draw.choice((1, 1, 2))):
        values[name] = draw.choice(VALUES).replace("{outside}", str(case / "outside"))
    note = ", ".join(f"{name}={ascii(value)[:80]}" for name, value in values.items())
    if not any(name == "CRM_ML_STORE_WAIT_S" for name in values):
        values["CRM_ML_STORE_WAIT_S"] = "1"
    return {"environment": values, "what": note, "named": [_path_in(value) for value in values.values()]}


def other_words(draw: random.Random, words: list[str], case: Path) -> dict[str, Any]:
    """Change, add, repeat or drop words, or set a setting."""
    new, kind = (
        list(words),
        draw.choice(("change", "change", "change", "add", "drop", "repeat", "set", "set")),
    )
    at = draw.randrange(len(new))
    word = draw.choice(WORDS).replace("{outside}", str(case / "outside"))
    if kind == "change":
        new[max(at, 1 if len(new) > 1 and draw.random() < 0.9 else 0)] = word
    elif kind == "add":
        new.insert(at + 1, word)
    elif kind == "drop":
        del new[at]
    elif kind == "repeat":
        new.insert(at, new[at])
    elif words[0] == "train" and len(words) > 2 and words[1] != "churn/mine":
        new += ["--set", draw.choice(SETTINGS)]
    else:
        start = ["train", "churn/mine"] if draw.random() < 0.5 else ["score", "score/mine", "--out", "lists"]
        new = [*start, "--set", draw.choice(SETTINGS)]
    return {
        "words": new,
        "what": f"words {kind}: {ascii(new)[:300]}",
        "named": [_path_in(text) for text in new],
    }


def _path_in(text: str) -> str:
    """Return the path that a value may name, without the form of a sink, a store or a file's URL."""
    return re.sub(r"^(csv:|duckdb:|sqlite:///|file:)", "", text).replace("\0", "") or "."


def kind_changed(draw: random.Random, path: Path, case: Path) -> str:
    """Put something else in the place of a file, and say what."""
    kind = draw.choice((*KINDS, *LINKS, "unreadable", "read-only"))
    if kind in ("unreadable", "read-only"):
        path.chmod(0 if kind == "unreadable" else 0o555 if path.is_dir() else 0o444)
        return kind
    content = path.read_bytes() if path.is_file() else b""
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    if kind in LINKS:
        path.symlink_to(LINKS[kind].format(name=path.name, outside=case / "outside"))
        if kind == "link loop":
            path.with_name("loop").symlink_to(path.name)
    else:
        KINDS[kind](path, content)
    return kind


def _folder(path: Path, content: bytes) -> None:
    path.mkdir()
    (path / "within").write_bytes(content[:100])


def _sparse(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.truncate(SPARSE_BYTES)


def _socket(path: Path, _content: bytes) -> None:
    """Bind a socket by a short path, since a long one is refused."""
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name[:90])
    finally:
        os.chdir(here)


KINDS: dict[str, Callable[[Path, bytes], object]] = {
    "fifo": lambda path, _: os.mkfifo(path),
    "folder": _folder,
    "socket": _socket,
    "empty": lambda path, _: path.write_bytes(b""),
    "gone": lambda _path, _: None,
    "huge and sparse": _sparse,
}
LINKS = {
    "link to itself": "{name}",
    "link loop": "loop",
    "link out": "{outside}/other.csv",
    "dangling link": "nothing",
    **{f"link to {name}": name for name in ("/dev/zero", "/dev/full", "/dev/stdin", "/proc/self/mem")},
}


def sums_repaired(path: Path) -> str:
    """Let the manifest of a changed file agree with it again, and the store with the manifest."""
    for folder in path.parents:
        manifest = folder / "manifest.json"
        if manifest.is_file() and path.suffix:
            break
    else:
        return ""
    told = json.loads(manifest.read_text(encoding="utf-8"))
    entry = told["files"].get(path.relative_to(folder).as_posix())
    if entry is None:
        return ""
    before = hashlib.sha256(manifest.read_bytes()).hexdigest()
    entry |= {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    manifest.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    store = next(parent for parent in folder.parents if (parent / "configs").is_dir()) / "runs/mlflow.db"
    database = sqlite3.connect(store)
    after = hashlib.sha256(manifest.read_bytes()).hexdigest()
    database.execute("update model_version_tags set value = ? where value = ?", (after, before))
    database.commit()
    database.close()
    return "; sums repaired"
