"""All checks of a domain in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from portal.deliverability.types import CheckName, Status
from portal.services.domains.types import CheckView, Verdict

Told = tuple[str, CheckView | None]  # a sentence, and the check that it names

# Alone they leave open whether anything of the sender aligns.
_OPEN = frozenset({"dkim_selector_unknown"})
# Not asked of everybody, and yet some receivers refuse mail for it.
_REFUSED_FOR = frozenset(
    (
        *("ptr_missing", "ptr_not_forward_confirmed", "blocklist_listed"),
        *("mx_null", "mx_missing", "from_domain_no_mail_records", "dnssec_bogus"),
    )
)
# Of these no receiver makes a reason to refuse what the domain sends.
_INWARD = frozenset(
    {CheckName.MTA_STS, CheckName.TLS_RPT, CheckName.DANE, CheckName.BIMI}
)
_NUMBERS = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
)


def verdict(
    status: Status,
    checks: Sequence[CheckView],
    *,
    domain: str,
    provider: str | None,
) -> Verdict:
    """`status` is that of the report, which knows what is required."""
    mail = f"mail from {domain} through {provider or 'your relay'}"
    told = _refused(checks, mail) if status is Status.FAIL else None
    sentence, about = told or _accepted(checks, mail)
    return Verdict(
        status=status, sentence=sentence, about=about.check if about else None
    )


def interrupted(domain: str) -> Verdict:
    return Verdict(
        status=Status.UNKNOWN,
        sentence=f"The check of {domain} was interrupted. Check again.",
        about=None,
    )


def number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def _refused(checks: Sequence[CheckView], mail: str) -> Told | None:
    failing = [
        each
        for each in checks
        if each.status is Status.FAIL and each.check not in _INWARD
    ]
    if not failing:
        return None
    first = _worst(failing)
    if "from_domain_nxdomain" in _ids(first):
        return f"Receivers refuse {mail}: {first.reasons[0].phrase}.", first
    more = len(failing) - 1
    others = f", and {number(more)} more" if more else ""
    told = f"Gmail, Yahoo and Outlook may refuse {mail} because of {named(first)}"
    return f"{told}{others}.", first


def _accepted(checks: Sequence[CheckView], mail: str) -> Told:
    unknown = [each for each in checks if each.is_left_open]
    poor = [each for each in checks if each.status in (Status.WARN, Status.FAIL)]
    held = next((each for each in poor if _REFUSED_FOR & set(_ids(each))), None)
    if held is not None:
        return f"Some receivers may refuse {mail} because of {named(held)}.", held
    open_ = _decisive(unknown)
    if open_ is not None:
        told = named(open_)
        return f"Nobody can say now whether receivers accept {mail}; {told}.", open_
    open_ = next((each for each in poor if _OPEN & set(_ids(each))), None)
    if open_ is not None and not _aligns_by_spf(checks):
        told = named(open_)
        sentence = f"Whether Gmail and Outlook accept {mail} is open because of {told}."
        return sentence, open_
    ends = []
    if poor:
        ends.append(f"{number(len(poor))} thing{_s(poor)} to improve")
    if unknown:
        ends.append(f"{number(len(unknown))} could not be checked")
    return "; ".join([f"Gmail and Outlook will accept {mail}", *ends]) + ".", None


def named(check: CheckView) -> str:
    """The check and its main reason, within a sentence."""
    phrase = check.reasons[0].phrase if check.reasons else check.title
    return f"{check.label}: {phrase}"


def _worst(failing: Sequence[CheckView]) -> CheckView:
    """What holds the mail up comes before what only loses answers."""
    order = (
        CheckName.FROM_DOMAIN,
        CheckName.DMARC,
        CheckName.DKIM,
        CheckName.SPF,
        *CheckName,
    )
    return min(failing, key=lambda each: order.index(each.check))


def _decisive(unknown: Sequence[CheckView]) -> CheckView | None:
    deciding = {CheckName.FROM_DOMAIN, CheckName.DKIM, CheckName.DMARC, CheckName.SPF}
    found = (each for each in unknown if each.check in deciding and not _aligns(each))
    return next(found, None)


def _aligns(check: CheckView) -> bool:
    """Of DMARC what is open then is who gets the reports."""
    aligned = check.facts.get("aligned") or {}
    return check.check is CheckName.DMARC and True in aligned.values()


def _aligns_by_spf(checks: Sequence[CheckView]) -> bool:
    dmarc = next((each for each in checks if each.check is CheckName.DMARC), None)
    aligned = dmarc.facts.get("aligned") if dmarc else None
    return bool(aligned and aligned.get("spf"))


def _ids(check: CheckView) -> list[str]:
    return [each.id for each in check.reasons]


def _s(many: Sequence[object]) -> str:
    return "" if len(many) == 1 else "s"
