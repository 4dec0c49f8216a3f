"""The key record that somebody meant, where only its clothes are wrong: quotation marks
and backslashes of a zone file, PEM armour, capitals, marks of a test."""

from __future__ import annotations

import re
from itertools import permutations

from portal.deliverability.dkim.key import is_key, read
from portal.tags import STRAY

MOST_PARTS = 4
_ARMOUR = re.compile(r"-{3,5}\s{0,3}(BEGIN|END)[A-Z ]{0,30}-{3,5}")
# Where the semicolon before a tag was lost, or is a comma.
_LOST = re.compile(
    r"(=\s{0,3}(?:DKIM1|rsa|ed25519))[\s,]{0,5}(?=[a-z]\s{0,3}=)", re.IGNORECASE
)
_BLANKS = re.compile(r"\s+")
_NAKED = re.compile(r"MI[GI][A-Za-z0-9+/=\s]{60,}")
_KINDS = ("rsa", "ed25519")


def mended(texts: tuple[str, ...]) -> str | None:
    """Of all that stands at one name; None where no key can be told, or several."""
    meant = {_mended(text) for text in texts if is_key(text)} - {None}
    if not meant and 1 < len(texts) <= MOST_PARTS:
        # A panel that takes 255 characters makes people publish two halves.
        meant = {_mended("".join(two)) for two in permutations(texts, 2)} - {None}
    return meant.pop() if len(meant) == 1 else None


def _mended(text: str) -> str | None:
    if _is_fine(text):
        return text
    tags = _tags(_LOST.sub(r"\1;", _ARMOUR.sub("", STRAY.sub("", text))))
    if tags is None or not tags.get("p"):
        return None
    for kind in dict.fromkeys((tags.get("k", "rsa").lower(), *_KINDS)):
        made = _written(tags | {"k": kind})
        if _is_fine(made):
            return made
    return None


def _is_fine(text: str) -> bool:
    key = read(text)
    return key.is_usable and "dkim_test_mode" not in key.reasons


def _tags(text: str) -> dict[str, str] | None:
    """None where two of them contradict each other."""
    found: dict[str, str] = {}
    for piece in text.split(";"):
        left, _, right = piece.partition("=")
        name, value = left.strip().lower(), right.strip()
        if _NAKED.fullmatch(piece.strip()):
            name, value = "p", piece.strip()
        value = _BLANKS.sub("", value) if name == "p" else value
        if found.setdefault(name, value) != value:
            return None
    return found


def _written(tags: dict[str, str]) -> str:
    """`h` and `s` only where they let signatures of mail in, `t` without its `y`."""
    kept = {
        "k": tags["k"],
        "h": _if_it_names(tags, "h", {"sha256"}),
        "s": _if_it_names(tags, "s", {"*", "email"}),
        "t": ":".join(each for each in _several(tags, "t") if each != "y"),
        "p": tags["p"],
    }
    told = (f"{name}={value}" for name, value in kept.items() if value)
    return "; ".join(["v=DKIM1", *told])


def _if_it_names(tags: dict[str, str], name: str, wanted: set[str]) -> str:
    several = _several(tags, name)
    return ":".join(several) if wanted & set(several) else ""


def _several(tags: dict[str, str], name: str) -> list[str]:
    """RFC 6376 §3.2: a list goes by colons."""
    return [each.strip().lower() for each in tags.get(name, "").split(":")]
