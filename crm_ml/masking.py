"""Secrets: found where they enter the process, and kept out of all that is printed, logged or raised."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, unquote

from crm_ml.secret_forms import forms_of, is_weak

HIDDEN = "***"
_NAME = (
    r"(?:password|passwd|passphrase|pwd|secret|token|signature|sig|credentials?|dsn_password|"
    r"(?:api|access|private|account|shared_?access|secret|signing|encryption)_?key)"
)
_SECRET_KEY = re.compile(rf"(?:.*[_-])?{_NAME}|.*password|.*token|key", re.IGNORECASE)
_VARIABLE = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKENS?(?![A-Z])|_PASS$|MYSQL_PWD|(?:^|_)KEYS?(?:_|$)"
)
_PLACE = re.compile(r"_(?:FILE|PATH|DIR|FOLDER|NAME|ID)$")  # of a secret, not the secret
_ORDINARY = {"", "true", "false", "none", "null", "yes", "no", "on", "off"}
_KEY = rf"(?:[A-Za-z0-9]{{1,30}}[_-]){{0,5}}{_NAME}"
_PAIR = re.compile(
    rf"""(?P<key>(?<![A-Za-z0-9]){_KEY}\\?["']?\s{{0,3}}=\s{{0,3}}"""
    rf"""|["']{_KEY}\\?["']\s{{0,3}}:\s{{0,3}}"""
    rf"""|^[ \t]{{0,40}}{_KEY}:[ \t]{{1,3}}"""
    r"""|authorization["']?\s{0,3}[:=]\s{0,3}["']?(?:basic|bearer)\s{1,3})"""
    r"""(?P<value>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\\"[^"\\\n]*\\\""""
    r"""|(?:[^\s;&,"'\\]|\\\\|\\(?!["'\\]))+)""",  # a quote behind a backslash ends no text within JSON
    re.IGNORECASE | re.MULTILINE,
)
_NO_TEXT = re.compile(r"[\[{|>&*!].*|-?[\d.]+(?:e[+-]?\d+)?|true|false|null|~", re.IGNORECASE)
_SCHEME = r"[A-Za-z][\w.+-]{0,40}://"
_URI = re.compile(rf"{_SCHEME}\S+")
_URI_IN_FILE = re.compile(rf"{_SCHEME}[^\s\"'<>\\]+")
_EXAMPLE = re.compile(r"(?:[^/]*://)(?:user|user:password)@")
_TOKEN_LENGTH, _LONGEST_VALUE = 8, 500
_noted: list[set[str]] = []  # of each command that runs, the innermost last


def masked(uri: str) -> str:
    """Return a URI without the user, the password and the values after ``?`` or ``#`` that it may have.

    What stands before the last ``@`` is taken for user and password; where that can't be told from a value
    after ``?``, nothing but the scheme is shown.

    Examples
    --------
    >>> masked("postgresql://ada:se/cr#t@db.shop/mlflow"), masked("sqlite:///runs/mlflow.db")
    ('postgresql://***@db.shop/mlflow', 'sqlite:///runs/mlflow.db')
    >>> masked("mysql://db.shop/mlflow?password=secret"), masked("mysql://db.shop/mlflow?password=s@cret")
    ('mysql://db.shop/mlflow?***', 'mysql://***')
    """
    if _EXAMPLE.match(uri):
        return uri
    scheme, mark, rest = uri.partition("://")
    if not rest.startswith("/"):  # else there is no server, and no user of one
        if any(_is_query(part) for part in rest.split("@")[:-1]):
            return f"{scheme}://{HIDDEN}"
        rest = f"{HIDDEN}@{rest.rpartition('@')[2]}" if "@" in rest else rest
    return scheme + mark + re.sub(r"([?#]).+", rf"\1{HIDDEN}", rest, count=1, flags=re.DOTALL)


def _is_query(text: str) -> bool:
    """Return whether a key and a value may stand in a text: a sign of a query, and then an equals sign."""
    sign = re.search(r"[?&#;]", text)
    return sign is not None and text.rfind("=") > sign.start()


def masked_text(text: str) -> str:
    """Return a text for people without secrets: those that are known, their pieces, and what looks like one.

    Examples
    --------
    >>> masked_text("Invalid url: https://ada:se/cret@host/api and no more")
    'Invalid url: https://***@host/api and no more'
    >>> masked_text("can't connect: host=db password='a b' port=5432")
    "can't connect: host=db password=*** port=5432"
    """
    whole, pieces = _patterns(frozenset(_known() | _of_environment()))
    text = _hidden(pieces, _hidden(whole, text))
    text = _URI.sub(lambda uri: masked(uri[0]), text) if "://" in text else text
    return _PAIR.sub(rf"\g<key>{HIDDEN}", text)


def masked_file(text: str) -> str:
    """Return a text that is kept, such as JSON, without secrets; what only might be one stays.

    Known secrets that are ordinary words, or pieces of a secret, are left, and so are values of a URI that
    has no secret: what is kept is read again.

    Examples
    --------
    >>> masked_file('{"url": "postgresql://ada:s3cret@db/shop", "from": "https://host/a?download=1"}')
    '{"url": "postgresql://***@db/shop", "from": "https://host/a?download=1"}'
    """
    whole, _ = _patterns(frozenset(_known() | _of_environment()))
    text = _hidden(whole, text)
    if "://" in text:
        text = _URI_IN_FILE.sub(lambda uri: masked(uri[0]) if secrets_in(uri[0]) else uri[0], text)
    is_json = text.lstrip()[:1] in ("{", "[") and text.rstrip()[-1:] in ("}", "]")
    return _PAIR.sub(lambda pair: pair["key"] + _in_file(pair["key"], pair["value"], is_json), text)


def note(*values: object) -> None:
    """Remember until the command ends the secrets in values, of any depth, so that `masked_text` hides them.

    Outside of a command (`noting`) nothing is remembered: environment variables and patterns are all then.
    """
    if _noted:
        _noted[-1].update(_within(values))


@contextlib.contextmanager
def noting(*values: object) -> Iterator[None]:
    """`note` the values, and forget at the end of the block all that was noted within it."""
    _noted.append(set(_known()))
    note(*values)
    try:
        yield
    finally:
        _noted.pop()


def _known() -> set[str]:
    return _noted[-1] if _noted else set()


def _within(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from secrets_in(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from secrets_in(f"{key}={item}") if isinstance(item, str) else ()
            yield from _within(item)
    elif isinstance(value, list | tuple | set):
        for item in value:
            yield from _within(item)


def secrets_in(text: str) -> set[str]:
    """Return passwords and tokens that stand in a text: in URIs, and behind names such as ``password=``.

    Examples
    --------
    >>> sorted(secrets_in("mysql://ada:s3/cret@db?user=a&token=t0k3n"))
    ['ada:s3/cret', 's3/cret', 't0k3n']
    >>> secrets_in("https://host:5000/api"), secrets_in("host=db password='a b'")
    (set(), {'a b'})
    """
    pairs = {pair["value"].strip("\"'") for pair in _PAIR.finditer(text)}
    is_value = len(text) <= _LONGEST_VALUE and "\n" not in text  # else a text with URIs between its words
    first = _URI.search(text) if "://" in text else None
    uris = [] if first is None else [text[first.start() :]] if is_value else _URI.findall(text)
    values = pairs.union(*map(_of_uri, uris))
    return {value for value in values if value.lower() not in _ORDINARY and set(value) != {"*"}}


def _of_uri(uri: str) -> Iterator[str]:
    """Yield the secrets of a URI: its password, a user that is a token, and values of its query."""
    if _EXAMPLE.match(uri):
        return
    rest = uri.partition("://")[2]
    if not rest.startswith("/") and "@" in rest:
        user, colon, password = rest.rpartition("@")[0].partition(":")
        if colon:
            yield from (password, f"{user}:{password}")  # the second stands in headers, as base64
        elif len(user) >= _TOKEN_LENGTH and "/" not in user and not user.isalpha():
            yield user
    for key, value in parse_qsl(rest.partition("?")[2], keep_blank_values=True):
        if _SECRET_KEY.fullmatch(key):
            yield value
        elif "=" in value:
            yield from secrets_in(unquote(value))


def _of_environment() -> frozenset[str]:
    return _of_variables(frozenset(os.environ.items()))


@lru_cache(maxsize=16)
def _of_variables(variables: frozenset[tuple[str, str]]) -> frozenset[str]:
    """Return the secrets of environment variables: by the name of the variable, and within any value."""
    secrets: set[str] = set()
    for name, value in variables:
        secrets |= secrets_in(value)
        if _VARIABLE.search(name.upper()) and not _PLACE.search(name.upper()):
            secrets.add(value)
    return frozenset(value for value in secrets if value.lower() not in _ORDINARY)


@lru_cache(maxsize=16)
def _patterns(secrets: frozenset[str]) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    """Return what finds whole secrets that are no ordinary words, and what finds all else of them."""
    whole: set[str] = set()
    pieces: set[str] = set()
    for secret in secrets:
        complete, parts = forms_of(secret)
        whole |= {form for form in complete if not is_weak(form)}
        pieces |= {form for form in complete if is_weak(form)} | parts
    return _pattern(whole), _pattern(pieces - whole)


def _pattern(forms: set[str]) -> re.Pattern[str] | None:
    """Return a pattern of any of the forms, longest first; a weak one must stand by itself."""
    if not forms:
        return None
    ordered = sorted(forms, key=lambda form: (-len(form), form))
    alone = r"(?<![A-Za-z0-9]){}(?![A-Za-z0-9])"
    return re.compile(
        "|".join(alone.format(re.escape(form)) if is_weak(form) else re.escape(form) for form in ordered)
    )


def _hidden(pattern: re.Pattern[str] | None, text: str) -> str:
    return text if pattern is None else pattern.sub(HIDDEN, text)


def _in_file(key: str, value: str, is_json: bool) -> str:
    """Return what stands for a value in a file that stays one: numbers, switches and lists are no secrets."""
    if value in ('""', "''", '\\"\\"'):
        return value
    if key.rstrip().endswith(":") and value[0] not in "\"'\\":
        return value if key[0] in "\"'" or _NO_TEXT.fullmatch(value) else HIDDEN
    if is_json and key.rstrip().endswith("=") and not value.startswith('\\"') and '"' in value:
        return value  # the quote ends the text in which the key stands
    quote = '\\"' if value.startswith('\\"') else value[0] if value[0] in "\"'" else ""
    return f"{quote}{HIDDEN}{quote}"
