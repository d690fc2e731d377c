"""The grammar of eligibility rules: text becomes a small tree; nothing is ever run or handed to SQL.

::

    rule      = all ("or" all)*
    all       = term ("and" term)*
    term      = "not" term | "(" rule ")" | column test
    test      = ("=" | "!=" | "<" | "<=" | ">" | ">=") literal
              | ["not"] "in" "(" literal ("," literal)* ")"
              | ["not"] "between" literal "and" literal
              | "is" ["not"] "null"
              | nothing, after the name of a tag: it is true
    literal   = number | 'text' | "text" | true | false
    column    = name of letters a to z, digits and _ | `any other name`
"""

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from crm_ml.errors import ConfigError

MAX_CHARACTERS = 4_000
MAX_DEPTH = 32
MAX_VALUES = 200

Literal = float | str | bool
NEGATED = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
KEYWORDS = {"and", "or", "not", "in", "between", "is", "null", "true", "false"}
_TOKEN = re.compile(
    r"""(?P<number>-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<text>'(?:[^'\x00-\x1f]|'')*'|"(?:[^"\x00-\x1f]|"")*")
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<quoted>`(?:[^`\x00-\x1f]|``)+`)
      | (?P<operator><=|>=|!=|==|<>|=|<|>)
      | (?P<mark>[(),])""",
    re.VERBOSE | re.ASCII,
)
_SPACE = re.compile(r"[ \t\r\n]*")
_HINTS = {"==": "write = for equal", "<>": "write != for not equal"}


class _AnyName(Collection[str]):
    """Every name."""

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


ANY_NAME = _AnyName()


@dataclass(frozen=True)
class Test:
    """One test of a column: operator ``=`` to ``>=``, ``in``, ``between`` or ``null``, maybe negated."""

    __test__ = False  # no test class for pytest

    column: str
    operator: str
    literals: tuple[Literal, ...]
    negated: bool
    position: int


@dataclass(frozen=True)
class Junction:
    """Parts of a rule of which all (``and``) or at least one (``or``) must be true."""

    word: str
    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Negation:
    """A part of a rule that must be known to be false."""

    part: "Node"


Node = Test | Junction | Negation


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int


def parse(rule: str, tags: Collection[str] = ()) -> Node:
    """Read a rule.

    Parameters
    ----------
    rule : str
        At most 4,000 characters and 32 levels deep.
    tags : collection of str
        Names that may stand without a test, such as ``saver and not lost``; any with `ANY_NAME`.

    Raises
    ------
    ConfigError
        If the text is no rule; the message says where (characters from 1) and what was expected.

    Examples
    --------
    >>> parse("rfm_orders_84d >= 3").literals
    (3.0,)
    >>> parse("drop table customers")
    Traceback (most recent call last):
    ...
    crm_ml.errors.ConfigError: at character 6: expected a test such as = or in after 'drop', found 'table'
    """
    if len(rule) > MAX_CHARACTERS:
        raise ConfigError(f"the rule has {len(rule):,} characters; at most {MAX_CHARACTERS:,} are allowed")
    return _Parser(_tokens(rule), tags).whole()


def columns(node: Node) -> list[Test]:
    """Return every test of a rule, in the order of the text."""
    if isinstance(node, Test):
        return [node]
    parts = node.parts if isinstance(node, Junction) else (node.part,)
    return [test for part in parts for test in columns(part)]


def _tokens(rule: str) -> list[_Token]:
    tokens, at = [], _end_of_space(rule, 0)
    while at < len(rule):
        match = _TOKEN.match(rule, at)
        if match is None:
            hint = (
                "; write a column of such a name as `name`" if rule[at].isalpha() or rule[at] == "`" else ""
            )
            raise ConfigError(f"at character {at + 1}: {rule[at]!r} can't stand in a rule{hint}")
        text = match.group()
        if text in _HINTS:
            raise ConfigError(f"at character {at + 1}: {text!r} is no operator; {_HINTS[text]}")
        tokens.append(_token(str(match.lastgroup), text, at + 1))
        at = _end_of_space(rule, match.end())
    return [*tokens, _Token("end", "the end", len(rule) + 1)]


def _token(kind: str, text: str, position: int) -> _Token:
    if kind == "quoted":
        return _Token("name", text[1:-1].replace("``", "`"), position)
    if kind == "name" and text.lower() in KEYWORDS:
        kind = text.lower()
    return _Token(text if kind == "mark" else kind, text, position)


def _end_of_space(rule: str, start: int) -> int:
    match = _SPACE.match(rule, start)
    return match.end() if match else start


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[_Token], tags: Collection[str]) -> None:
        self.tokens = tokens
        self.tags = tags
        self.at = 0
        self.depth = 0

    def whole(self) -> Node:
        node = self.junction("or")
        if self.next.kind != "end":
            raise self.unexpected("and, or or the end")
        return node

    @property
    def next(self) -> _Token:
        return self.tokens[self.at]

    def take(self, *kinds: str) -> _Token | None:
        token = self.next
        if token.kind not in kinds:
            return None
        self.at += 1
        return token

    def need(self, kind: str, wanted: str) -> _Token:
        token = self.take(kind)
        if token is None:
            raise self.unexpected(wanted)
        return token

    def unexpected(self, wanted: str) -> ConfigError:
        token = self.next
        shown = token.text if token.kind == "end" else repr(token.text)
        return ConfigError(f"at character {token.position}: expected {wanted}, found {shown}")

    def junction(self, word: str) -> Node:
        inner = self.term if word == "and" else lambda: self.junction("and")
        parts = [inner()]
        while self.take(word):
            parts.append(inner())
        return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))

    def term(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ConfigError(f"at character {self.next.position}: more than {MAX_DEPTH} levels of nesting")
        if self.take("not"):
            node: Node = Negation(self.term())
        elif self.take("("):
            node = self.junction("or")
            self.need(")", "and, or or a closing bracket")
        else:
            node = self.test()
        self.depth -= 1
        return node

    def test(self) -> Test:
        column = self.need("name", "a column, not or a bracket")
        name, at = column.text, column.position
        operator = self.take("operator")
        if operator:
            return Test(name, operator.text, (self.literal(),), False, at)
        if self.take("is"):
            negated = self.take("not") is not None
            self.need("null", "null")
            return Test(name, "null", (), negated, at)
        negated = self.take("not") is not None
        if self.take("in"):
            return Test(name, "in", self.listed(), negated, at)
        if self.take("between"):
            low = self.literal()
            self.need("and", "and")
            return Test(name, "between", (low, self.literal()), negated, at)
        if name in self.tags and not negated:
            return Test(name, "=", (True,), False, at)
        raise self.unexpected(f"a test such as = or in after {name!r}")

    def listed(self) -> tuple[Literal, ...]:
        self.need("(", "an opening bracket")
        values = [self.literal()]
        while self.take(","):
            values.append(self.literal())
            if len(values) > MAX_VALUES:
                raise ConfigError(
                    f"at character {self.next.position}: more than {MAX_VALUES} values in one in"
                )
        self.need(")", "a comma or a closing bracket")
        return tuple(values)

    def literal(self) -> Literal:
        token = self.take("number", "text", "true", "false")
        if token is None:
            raise self.unexpected("a number, a quoted text, true or false")
        if token.kind in ("true", "false"):
            return token.kind == "true"
        if token.kind == "text":
            quote = token.text[0]
            return token.text[1:-1].replace(quote * 2, quote)
        number = float(token.text)
        if not math.isfinite(number):
            raise ConfigError(f"at character {token.position}: {token.text} is too large")
        return number
