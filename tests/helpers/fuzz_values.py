"""Mutations of bytes, of nested values, and of YAML and JSON texts; each says what it has done."""

import datetime
import json
import random
from typing import Any

LONG = 70_000


def deep(levels: int, kind: type = list) -> Any:
    """Return a list in a list in a list, or the same of mappings."""
    value: Any = 1
    for _ in range(levels):
        value = [value] if kind is list else {"a": value}
    return value


SCALARS: tuple[Any, ...] = (
    None, True, False, "", " ", "\x00", "a\x00b", "\x1b[31mred", "[/red]", "[bold",
    "[link=file:///etc]x[/link]",
    "../outside/other.csv", "../../outside", "/etc/passwd", "/dev/zero", "/dev/stdin", "/proc/self/mem",
    "data",
    ".", "~", "*", "data/*.csv", "${HOME}", "${NOPE}", "{{7*7}}", "{0}", "%s%n%d", "x'; drop table t; --",
    'a"b',
    "a`b", "a\\", "\\x", "select 1", "read_csv('/etc/passwd')", "\u202eabc", "e\u0301", "\ud800",
    "\U0001f600",
    "\u0130", "\ufeff", "a\r\nb", "a\nb", "=1+1", "a" * LONG, "9" * 400, 0, -1, 1, 2**31, 2**63 - 1, 2**63,
    2**64, 10**400,
    -(10**30), 0.1, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf"), "nan", "1e999", "0x10",
    "1_000",
    "-0", "1,5", "2024-02-30", "9999-12-31", "0000-00-00", "2024-06-30T25:00", "24:00", datetime.date(1, 1,
    1),
    datetime.date(9999, 12, 31), datetime.date(1970, 1, 1), "Europe/Nowhere", "../etc/localtime", "UTC+99",
    "utf-16",
    "utf-7", "rot13", "idna", "churn@champion", "@", "a@b@c", "mine", "customers", "order_lines", "items",
    "customer_id",
    "p_churn", "rfm_days_since_order", "rfm_*", "[", "(", "((((((((((1))))))))))", "not",
    "a >= 1 and b in (1, 2)", "sqlite://",
    "sqlite:////etc/passwd", "postgresql://u:secret@127.0.0.1:9/x", "nope://x", "mysql://h/x", "://",
    "file:data/x.db",
    [], {}, [[]], [None], {"": None}, {"a": 1}, [1, 2, 3], ["a", "a"], {"column": "id"}, {"constant": "x"},
    {"made": "position"},
)  # fmt: skip


def bytes_mutated(draw: random.Random, content: bytes) -> tuple[bytes, str]:
    """Return other bytes and what was done to them."""
    kinds = ("flip", "truncate", "repeat part", "insert", "NUL", "BOM", "encoding", "long line", "cut out",
    "empty",
             "line ends", "noise", "number", "swap")  # fmt: skip
    kind = draw.choice(kinds)
    at = draw.randrange(len(content) + 1)
    to = min(len(content), at + draw.choice((1, 2, 8, 100, 4000)))
    part = content[at:to]
    if kind == "flip":
        changed = bytearray(content)
        for _ in range(draw.choice((1, 1, 3, 20, 200))):
            if changed:
                changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        return bytes(changed), "bits flipped"
    if kind == "number":  # the digits of a text, or bytes that look like some
        places = [place for place, value in enumerate(content) if 48 <= value <= 57]
        if places:
            place = draw.choice(places)
            new = draw.choice((b"-", b"9" * 30, b"1e999", b".", b"", b"nan"))
            return content[:place] + new + content[place + 1 :], f"digit at {place} is {new!r}"
    if kind == "swap" and len(content) > 20:
        other = draw.randrange(len(content))
        first, last = sorted((at, other))
        return content[last:] + content[first:last] + content[:first], f"parts swapped at {first}, {last}"
    if kind == "encoding":
        text = content.decode("utf-8", "replace")
        name = draw.choice(
            ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp1252", "cp932", "cp500")
        )
        return text.encode(name, "replace"), f"encoded as {name}"
    changes = {
        "truncate": content[:at],
        "repeat part": content[:to] + part * draw.choice((1, 3, 1000)) + content[to:],
        "insert": content[:at] + draw.randbytes(draw.choice((1, 4, 300))) + content[at:],
        "NUL": content[:at] + b"\0" * draw.choice((1, 4, 5000)) + content[at:],
        "BOM": draw.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0")) + content,
        "long line": content[:at]
        + draw.choice((b"x", b",", b" ", b"(", b"{", b"[", b'"', b"9")) * 300_000
        + content[at:],
        "cut out": content[:at] + content[to:],
        "empty": draw.choice((b"", b"\n", b" ", b"\0", b"null", b"[]", b"{}", b"0", b'""')),
        "line ends": content.replace(b"\n", draw.choice((b"\r", b"\r\n", b"\n\n", b"\x85", b"\x0c\n"))),
    }
    return changes.get(kind, draw.randbytes(draw.choice((1, 100, 5000)))), f"{kind} at {at}"


def places(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value within a nested value."""
    paths = [before]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        paths += places(inner, (*before, key))
    return paths


def value_mutated(draw: random.Random, value: Any) -> tuple[Any, str]:
    """Return a nested value with one to three changes, and what they are."""
    notes = []
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        path = draw.choice(places(value))
        value, note = _changed(draw, value, path)
        notes.append(f"{'.'.join(map(str, path)) or 'all'} {note}")
    return value, "; ".join(notes)


def _changed(draw: random.Random, value: Any, path: tuple[Any, ...]) -> tuple[Any, str]:
    if len(path) > 1 or (path and draw.random() < 0.9):
        changed, note = _changed(draw, value[path[0]], path[1:])
        copied = dict(value) if isinstance(value, dict) else list(value)
        if note == "taken away":
            del copied[path[0]]
            return copied, f"{path[0]!r} taken away"
        copied[path[0]] = changed
        return copied, note
    if not path and draw.random() < 0.15:
        return None, "taken away"
    kind = draw.choice(("scalar", "scalar", "scalar", "key", "wrap", "deep", "many", "text"))
    if kind == "key" and isinstance(value, dict):
        key = draw.choice(SCALARS)
        key = key if isinstance(key, (str, int, float, type(None))) else str(key)
        return {**value, key: draw.choice(SCALARS)}, f"with the key {_short(key)}"
    if kind == "wrap":
        return draw.choice(([value], {"a": value}, [value, value])), "is wrapped"
    if kind == "deep":
        return deep(draw.choice((30, 90)), draw.choice((list, dict))), "is deep"
    if kind == "many":
        count = draw.choice((300, 5_000))
        return draw.choice(
            ([*range(count)], {f"k{n}": n for n in range(count)}, [value] * 300)
        ), f"is {count} values"
    if kind == "text":
        return str(value), "is text"
    new = draw.choice(SCALARS)
    return new, f"is {_short(new)}"


def _short(value: Any) -> str:
    text = ascii(value)
    return text if len(text) < 80 else f"{text[:50]}... ({len(text)})"


def yaml_mutated(draw: random.Random, content: bytes) -> tuple[bytes, str]:
    """Change a YAML text: its bytes, its values, or what only YAML can say."""
    import yaml

    way = draw.random()
    if way < 0.2:
        return bytes_mutated(draw, content)
    if way < 0.32:
        text, note = draw.choice(YAML_TEXTS)
        lines = content.decode().splitlines(keepends=True)
        at = draw.choice((0, len(lines), draw.randrange(len(lines) + 1)))
        return ("".join(lines[:at]) + text + "".join(lines[at:])).encode(), f"{note} at line {at + 1}"
    value, note = value_mutated(draw, yaml.safe_load(content))
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=draw.random() < 0.5)
    return text.encode("utf-8", "surrogatepass"), note


YAML_TEXTS = (
    ("a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\n"
     "d: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d]\n"
     "f: [*e, *e, *e, *e, *e, *e, *e, *e]\n", "aliases"),
    ("x: &x [*x]\n", "an alias of itself"),
    ("<<: {name: other}\n", "a merge key"),
    ("<<: [{a: 1}, 3]\n", "a merge key of no mapping"),
    ("? [a, b]\n: c\n", "a key that is a list"),
    ("? {a: b}\n: c\n", "a key that is a mapping"),
    ("name: again\n", "a second name"),
    ("data: !!python/object/apply:os.system ['true']\n", "an object of Python"),
    ("x: !!binary 9j4=\n", "binary"),
    ("x: !!set {a, b}\n", "a set"),
    ("x: !!timestamp 99999-01-01\n", "no time"),
    ("x: 2024-13-45\n", "no day"),
    ("x: 190:20:30\n", "a number of base 60"),
    ("x: .nan\n", "not a number"),
    ("x: " + "9" * 5000 + "\n", "digits"),
    ("x: " + "[" * 20_000 + "\n", "open brackets"),
    ("x: " + "{a: " * 3_000 + "1" + "}" * 3_000 + "\n", "a deep mapping"),
    ("".join(f"k{n}: 1\n" for n in range(20_000)), "20,000 keys"),
    ("---\nname: x\n", "a second document"),
    ("...\n", "the end of a document"),
    ("\t- a\n", "a tab"),
    ("x: *nobody\n", "an alias of nothing"),
    ("x: \"\\ud800\"\n", "half a character"),
    ("x: \"\\0\"\n", "NUL"),
    ("%YAML 9.9\n---\n", "another version"),
    ("x: !unknown 1\n", "an unknown tag"),
    ("x: |\n  " + "a" * 500_000 + "\n", "a long text"),
    ("#" * 1_200_000 + "\n", "a long comment"),
)  # fmt: skip


def json_mutated(draw: random.Random, content: bytes) -> tuple[bytes, str]:
    """Change a JSON text: its bytes, its values, or what only JSON can say."""
    way = draw.random()
    if way < 0.2:
        return bytes_mutated(draw, content)
    if way < 0.28:
        kind = draw.choice(("[" * 100_000, '{"a":' * 50_000, '{"a": 1, "a": 2}', "NaN", "Infinity", "1e999",
        "9" * 5000,
                            '"\\ud800"', '{"\\u0000": 1}', "[" * 100_000 + "]" * 100_000))  # fmt: skip
        return kind.encode(), f"JSON {kind[:20]}"
    try:
        value = json.loads(content)
    except ValueError:
        return bytes_mutated(draw, content)
    value, note = value_mutated(draw, value)
    return json.dumps(value, default=str).encode("utf-8", "surrogatepass"), note
