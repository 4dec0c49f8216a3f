"""MTA-STS (RFC 8461): others must use TLS when they bring mail here."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from portal.deliverability.asking import Asking
from portal.deliverability.fixes import fix
from portal.deliverability.rating import ordered, worst
from portal.deliverability.types import Check, CheckName, Status, Subject
from portal.deliverability.unknowing import reason_of, unknown
from portal.net.https import HttpAnswer
from portal.net.records import Answered, Records
from portal.net.types import NetFailure, NetTrouble
from portal.tags import BadTags, tags

Fetch = Callable[[str], Awaitable[HttpAnswer | NetFailure]]
_BEGINS = re.compile(r"v=STSv1[ \t]*(;|$)")  # others do not count (RFC 8461 §3.1)
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
MOST_HOSTS = 50  # that are told


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """RFC 8461 §3.2."""

    mode: str
    mx: tuple[str, ...]
    max_age_s: int


class BadPolicy(ValueError):
    """A document that is none; `str()` is why."""


async def check_mta_sts(asking: Asking, subject: Subject, fetch: Fetch) -> Check:
    name = f"_mta-sts.{subject.domain}"
    answer = await asking.ask(name, "TXT")
    if not answer.answered.is_known:
        return unknown(CheckName.MTA_STS, answer.answered, name)
    texts = tuple(text for text in answer.records if _BEGINS.match(text))
    if len(texts) > 1:
        return await _several(asking, name, texts)
    if not texts or not _is_record(texts[0]):
        return _check({"mta_sts_absent": Status.INFO}, texts)
    return await _of_policy(asking, subject, fetch, texts)


async def _of_policy(
    asking: Asking, subject: Subject, fetch: Fetch, texts: tuple[str, ...]
) -> Check:
    host = f"mta-sts.{subject.domain}"
    asking.begin(host, "A")  # tells why, where the fetch cannot find it
    got = await _fetched(asking, fetch, f"https://{host}/.well-known/mta-sts.txt")
    if isinstance(got, NetFailure):
        answered = await _why_lost(asking, got, host)
        lost = answered and unknown(CheckName.MTA_STS, answered, host)
        return lost or _unreachable(texts, got.words)
    if 300 <= got.status < 400:
        # RFC 8461 §3.3: redirects must not be followed.
        facts = {"said": f"HTTP {got.status}"}
        return _check({"mta_sts_redirect": Status.FAIL}, texts, facts)
    try:
        policy = _policy(got)
    except BadPolicy as error:
        return _unreachable(texts, str(error))
    mail = await asking.ask(subject.domain, "MX")
    unnamed = _unnamed(policy, mail, subject.domain)
    return _check(
        _of_hosts(policy, mail, unnamed) | _mode(policy),
        texts,
        {
            "mode": policy.mode,
            "mx": list(policy.mx[:MOST_HOSTS]),
            "unnamed": unnamed[:MOST_HOSTS],
            "max_age_s": policy.max_age_s,
        },
    )


async def _fetched(asking: Asking, fetch: Fetch, url: str) -> HttpAnswer | NetFailure:
    try:
        async with asyncio.timeout(asking.left_s):
            return await fetch(url)
    except TimeoutError:
        return NetFailure(trouble=NetTrouble.TIMED_OUT, words="no answer in time")


async def _why_lost(asking: Asking, got: NetFailure, host: str) -> Answered | None:
    """None where the name was told: then its server is to blame."""
    unresolved = got.trouble is NetTrouble.RESOLVER_FAILED
    if not unresolved and got.trouble is not NetTrouble.TIMED_OUT:
        return None
    answered = (await asking.ask(host, "A")).answered
    if answered.is_known:
        return Answered.SERVFAIL if unresolved else None
    return answered


async def _several(asking: Asking, name: str, texts: tuple[str, ...]) -> Check:
    made = _check({"mta_sts_multiple_records": Status.FAIL}, texts)
    sound = next(filter(_is_record, texts), None)
    if sound is None:
        return made
    note = "One record in place of all that are there."
    fixes = (await fix(asking, name, "TXT", sound, note),)
    return dataclasses.replace(made, expected=sound, fixes=fixes)


def _unreachable(texts: tuple[str, ...], said: str) -> Check:
    return _check({"mta_sts_policy_unreachable": Status.FAIL}, texts, {"said": said})


def _check(
    reasons: dict[str, Status],
    texts: tuple[str, ...],
    facts: Mapping[str, object] | None = None,
) -> Check:
    return Check(
        check=CheckName.MTA_STS,
        status=worst(reasons.values()),
        reasons=ordered(reasons) or ("mta_sts_ok",),
        found=texts,
        facts=facts or {},
    )


def _is_record(text: str) -> bool:
    try:
        found = tags(text)
    except BadTags:
        return False
    return found.get("v") == "STSv1" and bool(_ID.fullmatch(found.get("id", "")))


def _policy(got: HttpAnswer) -> Policy:
    if got.status != 200:
        raise BadPolicy(f"HTTP {got.status}")
    kind = got.header("content-type").partition(";")[0].strip().lower()
    if kind != "text/plain":
        raise BadPolicy("The policy is not text/plain.")
    fields: dict[str, list[str]] = {}
    for line in got.body.decode("utf-8", "replace").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip(), []).append(value.strip())
    # RFC 8461 §3.2: of a field that may not come twice, the first one counts.
    version, mode, age = (
        fields.get(name, [""])[0] for name in ("version", "mode", "max_age")
    )
    if version != "STSv1" or mode not in ("enforce", "testing", "none"):
        raise BadPolicy("The document holds no policy of STSv1.")
    if not re.fullmatch(r"[0-9]{1,10}", age):
        raise BadPolicy("The policy has no max_age.")
    mx = tuple(each.lower().rstrip(".") for each in fields.get("mx", ()))
    if not mx and mode != "none":
        raise BadPolicy("The policy names no mx.")
    return Policy(mode=mode, mx=mx, max_age_s=int(age))


def _mode(policy: Policy) -> dict[str, Status]:
    if policy.mode == "enforce":
        return {}
    word = "testing" if policy.mode == "testing" else "mode_none"
    return {f"mta_sts_{word}": Status.WARN}


def _unnamed(policy: Policy, mail: Records, domain: str) -> list[str]:
    """The mail hosts that the policy does not name."""
    # RFC 5321 §5.1: without MX the domain itself is the mail host.
    hosts = [record.rpartition(" ")[2] for record in mail.records] or [domain]
    if policy.mode == "none" or not mail.answered.is_known:
        return []
    return [host for host in hosts if host != "." and not _covers(policy, host)]


def _of_hosts(policy: Policy, mail: Records, unnamed: list[str]) -> dict[str, Status]:
    if policy.mode != "none" and not mail.answered.is_known:
        return {reason_of(mail.answered): Status.UNKNOWN}
    status = Status.FAIL if policy.mode == "enforce" else Status.WARN
    return {"mta_sts_mx_mismatch": status} if unnamed else {}


def _covers(policy: Policy, host: str) -> bool:
    """RFC 8461 §4.1: `*.x` covers one label, never x itself."""
    wild = f"*.{host.partition('.')[2]}"
    return host in policy.mx or wild in policy.mx
