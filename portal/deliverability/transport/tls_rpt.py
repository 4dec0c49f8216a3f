"""Reports about TLS (RFC 8460 §3)."""

from __future__ import annotations

import re

from portal.deliverability.asking import Asking
from portal.deliverability.fixes import fix
from portal.deliverability.types import Check, CheckName, Status, Subject
from portal.deliverability.unknowing import unknown
from portal.tags import BadTags, tags

_BEGINS = re.compile(r"v=TLSRPTv1[ \t]*(;|$)")  # others do not count (RFC 8460 §3)
_MAILBOX = re.compile(r"[\w.+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,9}[a-z0-9-]{2,63}", re.I)
_TO = "Reports come to the mailbox that it names: make it, or put in another of yours."
_PLACE = re.compile(r"mailto:[^@,;!\s]+@[^@,;!\s]+|https://[^,;!\s]+", re.IGNORECASE)


async def check_tls_rpt(asking: Asking, subject: Subject) -> Check:
    name = f"_smtp._tls.{subject.domain}"
    answer = await asking.ask(name, "TXT")
    if not answer.answered.is_known:
        return unknown(CheckName.TLS_RPT, answer.answered, name)
    texts = tuple(text for text in answer.records if _BEGINS.match(text))
    meant = tuple(text for text in answer.records if "tlsrpt" in text.lower())
    reason, status = "tls_rpt_absent", Status.INFO
    if len(texts) > 1:
        reason, status = "tls_rpt_multiple_records", Status.FAIL
    elif texts and _is_sound(texts[0]):
        reason, status = "tls_rpt_ok", Status.PASS
    elif texts or meant:
        reason, status = "tls_rpt_syntax", Status.FAIL
    value = next(filter(_is_sound, texts), _meant(texts or meant, subject.domain))
    fine = status is Status.PASS
    note = "In place of what is there." if texts or meant else _TO
    return Check(
        check=CheckName.TLS_RPT,
        status=status,
        reasons=(reason,),
        found=texts or meant,
        expected=None if fine else value,
        fixes=() if fine else (await fix(asking, name, "TXT", value, note),),
    )


def _meant(texts: tuple[str, ...], domain: str) -> str:
    """Where reports were to go, or the usual mailbox: a bare address is common."""
    found = [each for text in texts for each in _MAILBOX.findall(text)]
    places = dict.fromkeys(found or [f"tls@{domain}"])
    return "v=TLSRPTv1; rua=" + ",".join(f"mailto:{each}" for each in places)


def _is_sound(text: str) -> bool:
    try:
        found = tags(text)
    except BadTags:
        return False
    places = [each.strip() for each in found.get("rua", "").split(",")]
    return found.get("v") == "TLSRPTv1" and all(map(_PLACE.fullmatch, places))
