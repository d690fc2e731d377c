"""Profiles of four channels of made-up persons, with ten kinds of bad identifiers; whose each is, is known.

All of it is made up: names are drawn from syllables, numbers and addresses exist nowhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Texts = npt.NDArray[Any]
SOURCES: Final = ("app", "mini", "web", "shop")
_PRESENT = (0.55, 0.65, 0.35, 0.5)  # of each channel; a customer without any has the first
# share of the profiles of each channel that show an identifier
SHOWN: Final = {
    "phone": (0.85, 0.7, 0.3, 0.6),
    "email": (0.25, 0.0, 0.85, 0.15),
    "device": (0.95, 0.0, 0.5, 0.0),
    "open_id": (0.2, 1.0, 0.1, 0.0),
    "card": (0.3, 0.15, 0.1, 0.85),
    "name": (0.5, 0.4, 0.6, 0.8),
    "birth_date": (0.5, 0.4, 0.4, 0.7),
    "address": (0.3, 0.3, 0.5, 0.2),
}
BAD: Final = {
    "placeholder_phone": ("phone", 0.004),
    "shop_phone": ("phone", 0.006),
    "placeholder_email": ("email", 0.01),
    "kiosk_device": ("device", 0.008),
    "zero_device": ("device", 0.006),
    "staff_card": ("card", 0.006),
    "default_open_id": ("open_id", 0.006),
    "guest": ("name", 0.006),
    "recycled_phone": ("phone", 0.01),
    "family_device": ("device", 0.02),
}  # kind -> identifier and share of the profiles (of the customers for the last two)
_FEWEST = 24  # profiles of a value that many share
_SYLLABLES = ("ba", "che", "dan", "fei", "gu", "han", "jin", "ke", "lan", "mo", "na", "pei", "qiu", "ren")
_SURNAMES = ("bo", "chai", "dou", "fan", "gai", "hei", "jue", "kong", "lei", "mu", "niu", "ou", "pu", "qin")
_TYPO, _UNBORN = 0.06, "1970-01-01"


@dataclass(frozen=True, eq=False)
class ChannelProfiles:
    """Profiles and the truth behind them.

    Parameters
    ----------
    profiles : pandas.DataFrame
        profile_id, source, first_seen (YYYY-MM-DD), region, and identifiers: phone, email, device, open_id,
        card, name, birth_date, address; in order of profile_id.
    truth : pandas.Series
        The true customer_id by profile_id.
    bad : pandas.DataFrame
        kind, identifier and value, in one form, of each bad identifier in the profiles of several customers.
    """

    profiles: "pd.DataFrame"
    truth: "pd.Series[str]"
    bad: "pd.DataFrame"


def channel_profiles(customers: Sequence[str], first_days: Texts, seed: int) -> ChannelProfiles:
    """Return the profiles of customers.

    Parameters
    ----------
    customers : sequence of str
    first_days : numpy.ndarray of datetime64[D], shape (len(customers),)
        Day from which on each may be seen.
    seed : int
    """
    import pandas as pd

    draw = np.random.default_rng([seed, len(customers), 14])
    persons = _persons(draw, len(customers))
    person, source = _presence(draw, len(customers))
    rows = len(person)
    shown = {name: draw.random(rows) < np.asarray(SHOWN[name])[source] for name in SHOWN}
    values = {name: persons[name][person] for name in SHOWN}
    for name, column in values.items():
        column[~shown[name]] = None
    values["name"] = _mistyped(draw, values["name"])
    kinds = _spoil(draw, values, person, source)
    seen = np.asarray(first_days)[person] + draw.exponential(60, rows).astype(np.int64)
    order = draw.permutation(rows)  # profile_ids say nothing of whose they are
    ids = [f"{SOURCES[channel]}-{place:07}" for channel, place in zip(source, order, strict=True)]
    frame = pd.DataFrame({"profile_id": ids, "source": np.asarray(SOURCES)[source]})
    frame["first_seen"] = seen.astype("datetime64[D]").astype(str)
    frame["region"] = persons["region"][person]
    frame = frame.assign(**{name: pd.Series(column, dtype="str") for name, column in values.items()})
    frame["customer_id"] = np.asarray(customers, dtype=object)[person]
    frame = frame.sort_values("profile_id", ignore_index=True)
    bad = _shared(frame, kinds)
    truth = frame.set_index("profile_id")["customer_id"].astype("str")
    return ChannelProfiles(_written(frame.drop(columns="customer_id")), truth, bad)


def _written(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return profiles with phones and addresses as each channel writes them."""
    phone, web, shop = frame["phone"], frame["source"] == "web", frame["source"] == "shop"
    phone = phone.mask(web, "+86" + phone.str.replace("^0", "", regex=True))
    phone = phone.mask(shop, phone.str[:3] + " " + phone.str[3:7] + " " + phone.str[7:])
    return frame.assign(phone=phone, email=frame["email"].mask(shop, frame["email"].str.upper()))


def _persons(draw: np.random.Generator, size: int) -> dict[str, Texts]:
    """Return the true identifiers of persons."""
    numbers = draw.permutation(size)
    first = draw.choice(_SYLLABLES, size).astype(object) + draw.choice(_SYLLABLES, size).astype(object)
    surname = draw.choice(_SURNAMES, size).astype(object)
    born = np.datetime64("1950-01-01") + draw.integers(0, 365 * 55, size)
    return {
        "phone": _texts(lambda n: f"1{30 + n % 60:02}{n * 7919 % 10**8:08}", numbers),
        "email": first + _texts(lambda n: f".{n}@mail.example", numbers),
        "device": _texts(lambda n: f"{n * 2654435761 % 2**32:08x}-{n:08x}", numbers),
        "open_id": _texts(lambda n: f"o{n * 40503 % 2**31:010x}{n:x}", numbers),
        "card": _texts(lambda n: f"88{n:08}", numbers),
        "name": surname + " " + first,
        "birth_date": born.astype(str).astype(object),
        "address": _texts(lambda n: f"{n % 89 + 1} {_SURNAMES[n % 13]} street", numbers // 2),
        "region": draw.choice(["CN", "EU"], size, p=[0.9, 0.1]).astype(object),
    }


def _texts(text: Callable[[int], str], numbers: npt.NDArray[np.int64]) -> Texts:
    return np.asarray([text(int(number)) for number in numbers], dtype=object)


def _presence(draw: np.random.Generator, size: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return person and channel of each profile; one in seven has a second one of the app."""
    there = draw.random((size, len(SOURCES))) < np.asarray(_PRESENT)
    there[~there.any(axis=1), 0] = True
    again = np.flatnonzero(there[:, 0] & (draw.random(size) < 1 / 7))
    person, source = np.nonzero(there)
    return np.concatenate([person, again]), np.concatenate([source, np.zeros(len(again), dtype=np.int64)])


def _mistyped(draw: np.random.Generator, names: Texts) -> Texts:
    """Return names of which some lack a letter."""
    wrong = draw.random(len(names)) < _TYPO
    places = draw.integers(1, 6, len(names))
    return np.asarray(
        [
            name[:place] + name[place + 1 :] if isinstance(name, str) and is_wrong else name
            for name, is_wrong, place in zip(names, wrong, places, strict=True)
        ],
        dtype=object,
    )


def _spoil(
    draw: np.random.Generator,
    values: dict[str, Texts],
    person: npt.NDArray[np.int64],
    source: npt.NDArray[np.int64],
) -> dict[tuple[str, str], str]:
    """Put bad identifiers into profiles, and return the kind of each (identifier, value)."""
    kinds: dict[tuple[str, str], str] = {}
    for kind, (name, share) in BAD.items():
        if kind in ("recycled_phone", "family_device"):
            taken = {value for identifier, value in kinds if identifier == name}
            given = _hand_on(draw, values[name], person, share, taken)
            kinds |= {(name, value): kind for value in given}
            continue
        able = np.flatnonzero(np.asarray(SHOWN[name])[source] > 0)
        rows = draw.permutation(able)[: max(int(share * len(person)), _FEWEST)]
        choices = _bad_values(kind, len(rows) // _FEWEST)
        for row, value in zip(rows, draw.permutation(np.resize(choices, len(rows))), strict=True):
            values[name][row] = value
            if kind == "guest":
                values["birth_date"][row] = _UNBORN
            kinds[name, str(value)] = kind
    return kinds


def _bad_values(kind: str, most: int) -> list[str]:
    """Return at most so many values of a kind, at least one."""
    values = {
        "placeholder_phone": ["13800000000", "10000000000"],
        "shop_phone": [f"021555{shop:05}" for shop in range(40)],
        "placeholder_email": ["test@test.com", "none@none.com"],
        "kiosk_device": [f"kiosk-{shop:03}" for shop in range(80)],
        "zero_device": ["00000000-00000000"],
        "staff_card": [f"99{shop:08}" for shop in range(30)],
        "default_open_id": ["undefined"],
        "guest": ["guest"],
    }
    return values[kind][: max(most, 1)]


def _hand_on(
    draw: np.random.Generator,
    column: Texts,
    person: npt.NDArray[np.int64],
    share: float,
    taken: set[str],
) -> set[str]:
    """Give the value of some persons to another one as well, in all profiles that show one; return these."""
    size = int(person.max()) + 1
    givers = draw.permutation(size)[: 2 * max(int(share * size), 4)]
    first: dict[int, str] = {}
    for owner, value in zip(person.tolist(), column.tolist(), strict=True):
        if value is not None and value not in taken:
            first.setdefault(owner, value)
    to = {int(taker): first.get(int(giver)) for giver, taker in givers.reshape(-1, 2)}
    given = set()
    for row in np.flatnonzero(np.isin(person, list(to))).tolist():
        value = to[int(person[row])]
        if value is not None and column[row] is not None and column[row] not in taken:
            column[row] = value
            given.add(value)
    return given


def _shared(frame: "pd.DataFrame", kinds: dict[tuple[str, str], str]) -> "pd.DataFrame":
    """Return the bad identifiers that are in the profiles of several customers."""
    import pandas as pd

    rows = []
    for name in sorted({name for name, _ in kinds}):
        owners = frame.groupby(name)["customer_id"].nunique()
        rows += [
            (kinds[name, value], name, value) for value in owners.index[owners > 1] if (name, value) in kinds
        ]
    rows = [
        (kind, "name + birth_date", f"{value} + {_UNBORN}")
        if kind == "guest"
        else (kind, name, f"+86{value.removeprefix('0')}" if name == "phone" else value)
        for kind, name, value in rows
    ]
    return pd.DataFrame(sorted(rows), columns=["kind", "identifier", "value"])
