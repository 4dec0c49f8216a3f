"""The envelope domain that a provider has the tenant set up: its records are one
CNAME, or MX and TXT together."""

from __future__ import annotations

import dataclasses

from portal.deliverability import domains, patterns
from portal.deliverability.asking import Asking
from portal.deliverability.dkim.selector import filled
from portal.deliverability.fixes import fix
from portal.deliverability.rating import worst
from portal.deliverability.spf.authorising import expected
from portal.deliverability.types import (
    Check,
    CheckName,
    Fix,
    Record,
    ReturnPathExpected,
    Status,
    Subject,
)
from portal.net.records import Records

_NAMED = "The provider's console shows the name; enter it if the record is there."
_CONSOLE = "The provider's console shows the value."
_ALONE = "In place of all MX records there."
_ONLY = "In place of all that is there."
_IN_PLACE = "In place of the alias to {}."
MOST_KEYS = 2


async def without_path(asking: Asking, subject: Subject, host: str) -> Check:
    """Nothing there that could be a return path of this provider."""
    path = _path(subject)
    if host == subject.domain and path.host:
        host = path.host  # what takes mail has MX records of its own
    words = await _told_by_keys(asking, subject, path)
    wanted = [each for each in path.records if each.type != "MX"]
    wanted = [
        dataclasses.replace(each, value=patterns.filled(each.value, **words))
        for each in wanted
    ]
    there = (await asking.ask(host, "TXT")).aliases[:1]
    # An alias that is right and leads to nothing is the provider's to mend.
    wanted = [each for each in wanted if (each.value,) != there]
    old = _IN_PLACE.format(there[0]) if there else None
    lacking = await _mail(asking, subject, host, old)
    return Check(
        check=CheckName.SPF,
        status=Status.FAIL if path.required else Status.WARN,
        reasons=("spf_return_path_missing",),
        expected=" and ".join(f"{each.type} {each.value}" for each in path.records)
        or None,
        fixes=(
            *lacking,
            *[await _fix(asking, host, each, path, old) for each in wanted],
        ),
        facts={
            "evaluated_at": "return_path",
            "host": host,
            "leads_to": there[0] if there else None,
        },
    )


async def by_alias(asking: Asking, subject: Subject, host: str) -> tuple[Fix, ...]:
    """Where the provider asks for an alias and nothing else, a text that names others
    makes room for it: it may be a wildcard's."""
    path = _path(subject)
    is_alias = {each.type for each in path.records} == {"CNAME"}
    at_path = expected(subject).evaluated_at == "return_path"
    if not (is_alias and at_path) or path.alternatives or host == subject.domain:
        return ()
    return tuple([await _fix(asking, host, each, path, _ONLY) for each in path.records])


async def with_bounces(
    asking: Asking, subject: Subject, host: str, check: Check
) -> Check:
    """By MX and TXT it needs both: without the MX its provider falls back to an
    envelope of its own, which does not align."""
    at_path = expected(subject).evaluated_at == "return_path"
    if not at_path or host == subject.domain:
        return check
    if (await asking.ask(host, "MX")).aliases:
        return check  # which is another's to fill
    lacking = await _mail(asking, subject, host)
    if not lacking:
        return check
    others = tuple(each for each in check.reasons if each != "spf_ok")
    return dataclasses.replace(
        check,
        status=worst((check.status, Status.WARN)),
        reasons=(*others, "spf_return_path_missing")
        if check.status is Status.FAIL
        else ("spf_return_path_missing", *others),
        expected=check.expected or f"{lacking[0].type} {lacking[0].value}",
        fixes=(*check.fixes, *lacking),
    )


async def _told_by_keys(
    asking: Asking, subject: Subject, path: ReturnPathExpected
) -> dict[str, str]:
    """Where the alias of a key is there, what its provider calls the account."""
    dkim = subject.dkim
    if dkim is None or not any("{" in each.value for each in path.records):
        return {}
    domain = domains.signing(subject)
    for selector in (subject.selectors or dkim.selectors)[:MOST_KEYS]:
        answer = await asking.ask(filled(dkim.name_pattern, selector, domain), "TXT")
        for target in dkim.targets if answer.aliases else ():
            wanted = filled(target, selector, domain)
            words = patterns.told(answer.aliases[0], wanted)
            if words is not None:
                return words
    return {}


async def _mail(
    asking: Asking, subject: Subject, host: str, note: str | None = None
) -> tuple[Fix, ...]:
    """The MX records that are not there as they should be, and alone: the provider
    looks for its own and no other."""
    path = _path(subject)
    wanted = [each for each in path.records if each.type == "MX"]
    if not wanted:
        return ()
    answer = await asking.ask(host, "MX")
    if not answer.answered.is_known or _are_those(answer, wanted):
        return ()
    note = note or (_ALONE if answer.records else None)
    return tuple([await _fix(asking, host, each, path, note) for each in wanted])


def _are_those(answer: Records, wanted: list[Record]) -> bool:
    hosts = {record.rpartition(" ")[2] for record in answer.records}
    patterns_ = [each.value.rpartition(" ")[2] for each in wanted]
    return len(hosts) == len(wanted) and all(
        any(patterns.fits(host, each) for host in hosts) for each in patterns_
    )


async def _fix(
    asking: Asking,
    host: str,
    record: Record,
    path: ReturnPathExpected,
    note: str | None = None,
) -> Fix:
    source = _NAMED if "{" in host else _CONSOLE if "{" in record.value else None
    notes = path.notes if record.type == path.records[0].type else None
    told = " ".join(filter(None, (source, note, notes))) or None
    return await fix(asking, host, record.type, record.value, told)


def _path(subject: Subject) -> ReturnPathExpected:
    return subject.usual_path or ReturnPathExpected()
