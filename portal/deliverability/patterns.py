"""Names and values of providers with `{words}` in them: filled in, or compared."""

from __future__ import annotations

import re

_WORD = re.compile(r"\{([^{}]*)\}")
_QUOTED = re.compile(r"\\\{[^{}]*\\\}")


def filled(pattern: str, **words: str) -> str:
    """What is not known stays as it is: `{tenant}`. `{domain-with-dashes}` and
    `{domain-without-hyphens}` follow from `domain`."""
    if "domain" in words:
        words["domain-with-dashes"] = words["domain"].replace(".", "-")
        plain = words["domain"].replace("-", "")
        words["domain-without-hyphens"] = plain.replace(".", "-")
    return _WORD.sub(lambda found: words.get(found[1], found[0]), pattern)


def told(name: str, pattern: str) -> dict[str, str] | None:
    """What each `{word}` of the pattern stands for in `name`, anything without blanks;
    None where the name is another. Case and a last dot are nothing."""
    wanted = _QUOTED.sub("([^ ]+)", re.escape(pattern.lower().rstrip(".")))
    found = re.fullmatch(wanted, name.lower().rstrip("."))
    if found is None:
        return None
    return dict(zip(_WORD.findall(pattern), found.groups(), strict=True))


def fits(name: str, pattern: str) -> bool:
    return told(name, pattern) is not None
