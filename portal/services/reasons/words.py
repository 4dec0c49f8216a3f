"""The words of a check: what each reason means, why it matters, what to do.

They stand in `words.toml`. Words in braces come out of the check, that is out of the
DNS: short here, and shown escaped.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from portal.deliverability.types import CheckName, Status
from portal.services.reasons.types import Reason, Rule

LONGEST = 120  # characters of a word that was found
_SILENT = {
    "refused": "{} does not answer this name server",
    "everybody": "{} has every address",
    "no_list": "{} is no block list, or none any more",
}
_UNTESTED = "; without its entry for tests {} may be out of use (RFC 5782 §5)"
_USABLE = {"dkim_key_weak", "dkim_test_mode", "dkim_cname_wrong_target"}
RECEIVERS = {
    "gmail": "Gmail",
    "yahoo": "Yahoo",
    "outlook": "Outlook",
    "all": "Nearly all",
    "some": "Some",
}
STATES = {
    Status.PASS: "in order",
    Status.WARN: "in need of care",
    Status.FAIL: "failing",
    Status.UNKNOWN: "not known",
    Status.INFO: "not set up",
}


def label(check: CheckName) -> str:
    return str(_table()["check"][check])


def expected(check: CheckName, words: Mapping[str, str]) -> str:
    """What this check would have, in a sentence."""
    return _filled(_table()["expected"][check], words)


def reason(id_: str, words: Mapping[str, str]) -> Reason:
    """`words` are those of `words_of`. An id without words stands for itself."""
    row: Mapping[str, Any] = _table()["reason"].get(id_, {})
    words = {**words, "of_selector": words.get(f"of_selector {id_}", "")}
    title, remedy = row.get("title", id_), row.get("remedy")
    return Reason(
        id=id_,
        title=_filled(_sentence(title), words),
        phrase=_filled(title, words),
        why=_filled(row.get("why", ""), words),
        remedy=_filled(remedy, words) if remedy else None,
    )


def rules(check: CheckName, ids: tuple[str, ...]) -> tuple[Rule, ...]:
    """What receivers ask for in the matter of these reasons, or of the check, each
    once."""
    found: dict[tuple[str, str], Rule] = {}
    for name in _rule_names(ids) or _table()["asked"].get(check, ()):
        for receiver, (asks, refusal) in _table()["rule"][name].items():
            found.setdefault(
                (receiver, asks),
                Rule(receiver=RECEIVERS[receiver], asks=asks, refusal=refusal),
            )
    return tuple(found.values())


def known_reasons() -> frozenset[str]:
    return frozenset(_table()["reason"])


def plain(text: str) -> str:
    """Text out of the DNS without control characters and marks of direction."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def words_of(
    facts: Mapping[str, Any], *, domain: str, provider: str | None, where: str
) -> dict[str, str]:
    """What the sentences of one check may say."""
    told = {
        "domain": domain,
        "provider": provider or "your relay",
        "where": where,
        "unanswered": (_named(facts.get("unanswered")) or where) + _room(facts),
        "host": _short(_known_part(facts.get("host") or domain)),
        "lookups": _short(facts.get("lookups", "Nearly all")),
        "void_lookups": _short(facts.get("void_lookups", "Several")),
        "policy": f"p={_short(facts.get('effective_policy') or 'none')}",
        "source": _short(_without_label(facts.get("source")) or domain),
    }
    return told | {f"of_{name}": text for name, text in _asides(facts)}


def _asides(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Ends of sentences that are there only if something is known."""
    selectors = [each for each in facts.get("selectors") or () if each]
    by_id: dict[str, list[str]] = {}
    for each in selectors:
        for id_ in each.get("reasons") or ["dkim_ok"]:
            by_id.setdefault(id_, []).append(each["selector"])
    bits = [each["bits"] for each in selectors if each.get("bits")]
    poor = (each for each in selectors if each.get("reasons"))
    targets = [each["aliases"][-1] for each in poor if each.get("aliases")]
    for id_, names in by_id.items():
        yield f"selector {id_}", _aside(" of selector {}", names)
    lacking = [
        s["selector"] for s in selectors if set(s.get("reasons") or ()) - _USABLE
    ]
    yield "lacking", _aside(", but not that of {}", lacking) or ", not all"
    yield "bits", _aside(": {} bits", [str(min(bits))] if bits else [])
    yield "target", _aside(": {}", targets)
    yield "term", _aside(": “{}”", _listed(facts.get("term")))
    yield "lookups", _aside(": {}", _listed(facts.get("lookups")))
    yield "heaviest", _aside("; {} is the heaviest", _listed(facts.get("heaviest")))
    yield "void", _aside(": {}", _listed(facts.get("void")))
    yield "unreachable", _aside(": {}", _listed(facts.get("unreachable")))
    for name in ("without_record", "in_a_circle", "with_several"):
        yield name, _aside(": {}", _listed(facts.get(name)))
    yield "unreadable", _aside(" of {}", _listed(facts.get("unreadable")))
    yield "unnamed", _aside(": {}", _listed(facts.get("unnamed")))
    yield "alignment", _alignment(facts.get("aligned"))
    yield "said", _aside(": {}", _listed(facts.get("said")))
    yield "listing", _aside(" It says: {}.", _listed(facts.get("listings")))
    yield "silent", _aside(": {}", _silent(facts.get("lists") or {}))
    yield "untested", _aside(_UNTESTED, _listed(facts.get("untested")))
    lent = facts.get("somebody_elses")  # nobody can verify it elsewhere
    yield "verifying", "" if lent else ", or verify this one there"
    chosen = facts.get("chosen_by") == "provider"
    yield "provider_key", " The provider makes this key, not you." if chosen else ""


def _alignment(aligned: Mapping[str, bool | None] | None) -> str:
    """Where neither half aligns, mail that goes nowhere is still in order."""
    halves = (aligned or {"dkim": True}).values()
    if True in halves:
        return " and the mail of this sender aligns"
    return "; nobody knows yet whether this mail aligns" if None in halves else ""


def _aside(text: str, words: list[str]) -> str:
    if not words:
        return ""
    return text.replace("{}", _short(", ".join(words[:4])).rstrip("."))


def _room(facts: Mapping[str, Any]) -> str:
    """Some were not asked at all."""
    room = facts.get("room_for")
    return f"; one check has room for {_short(room)}" if room else ""


def _silent(lists: Mapping[str, str]) -> list[str]:
    """Each with the reason why its word does not count."""
    told = ((which.rpartition(" ")[2], state) for which, state in lists.items())
    return list(dict.fromkeys(_SILENT[s].format(n) for n, s in told if s in _SILENT))


def _named(names: Any) -> str:
    """Two of them, and how many more."""
    listed = _listed(names)
    more = f" and {len(listed) - 2} more" if len(listed) > 2 else ""
    return f"{_short(', '.join(listed[:2]))}{more}"


def _listed(value: object) -> list[str]:
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    return [str(value)] if value else []


def _short(value: object) -> str:
    text = plain(str(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _known_part(name: object) -> str:
    """A word in braces is the provider's to say: `em{number}.shop.example`."""
    return re.sub(r"\{[^}]*\}", "…", str(name))


def _without_label(name: object) -> str:
    return str(name or "").removeprefix("_dmarc.")


def _rule_names(ids: tuple[str, ...]) -> list[str]:
    reasons = _table()["reason"]
    names = [name for id_ in ids for name in reasons.get(id_, {}).get("rules", ())]
    return list(dict.fromkeys(names))


def _filled(text: str, words: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: words.get(found[1], found[0]), text)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    text = files(__package__).joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
