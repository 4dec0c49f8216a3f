"""The words of a proof: what each finding of a received mail means."""

from __future__ import annotations

from portal.deliverability.proof.types import Judged, Outcome, Proof, ToldAligned
from portal.deliverability.types import Status
from portal.services.domains.proof.types import ProofRow

# Why a signature is not verified, by the reason that was found.
_WHY = {
    "syntax": "The signature cannot be read.",
    "version": "Its version is not 1, the only one there is.",
    "algorithm": "Verifiers do not know its algorithm.",
    "sha1": "It uses SHA-1, which verifiers no longer accept (RFC 8301).",
    "from_unsigned": "It does not cover From, so it says nothing about it.",
    "identity": "Its identity (i=) is of another domain than its own (d=): verifiers "
    "refuse it.",
    "expired": "It says itself that it is no longer valid (x=).",
    "header_changed": "The header is not the one that was signed, or another key "
    "signed it. Copying can change a header: upload the file to be sure.",
    "body_changed": "The body is not the one that was signed. Copying often changes "
    "a body, and so do mailing lists: upload the file to be sure.",
    "body_missing": "The signature of the header holds. Without the body nobody can "
    "say whether that is unchanged.",
    "key_of_other_kind": "The published key is of another kind than the signature.",
    "dkim_missing": "No key is published at this name now.",
    "dkim_multiple_records": "Two keys are published at this name; verifiers take "
    "neither.",
    "dkim_revoked": "The key has been revoked (an empty p=).",
    "dkim_key_too_short": "The key has less than 1024 bits: verifiers ignore it.",
    "dkim_sha1_only": "The key allows SHA-1 only, which verifiers no longer accept.",
    "dkim_service_type": "The key is not meant for mail (s=).",
    "dns_timeout": "The name servers did not answer in time.",
    "dns_servfail": "The name servers could not answer.",
    "dns_refused": "The name servers refused to answer.",
}
_PARTIAL = (
    "It covers the beginning of the body only (l=): anybody can add to the mail, and "
    "some receivers do not take such a signature."
)
_BROKEN_KEY = "The published key cannot be used."
_OUTCOMES = {
    Outcome.VERIFIED: (Status.PASS, "Signature verified"),
    Outcome.HEADER_ONLY: (Status.UNKNOWN, "Signature cannot be verified"),
    Outcome.FAILED: (Status.FAIL, "Signature does not hold"),
    Outcome.UNKNOWN: (Status.UNKNOWN, "Could not ask for the key"),
}
_SPF = {
    "pass": (Status.PASS, "may send for it"),
    "fail": (Status.FAIL, "may not send for it"),
    "hardfail": (Status.FAIL, "may not send for it"),  # as some still say (RFC 8601)
    "softfail": (Status.WARN, "probably may not send for it"),
    "neutral": (Status.WARN, "is neither allowed nor forbidden"),
    "none": (Status.FAIL, "cannot be judged: the domain has no SPF record"),
    "temperror": (Status.UNKNOWN, "could not be looked up"),
    "permerror": (Status.FAIL, "could not be judged: the record is broken"),
}
_UNSEEN = "no trusted receiver's result"


def concluded(
    proof: Proof, by: str | None, rows: tuple[ProofRow, ...]
) -> tuple[Status, str]:
    """The verdict in one sentence, and how much of the rest is worth a look."""
    status, sentence = verdict(proof, by)
    odd = sum(row.status in (Status.WARN, Status.FAIL) for row in rows)
    if status is not Status.PASS or not odd:
        return status, sentence
    things = "one thing" if odd == 1 else f"{odd} things"
    return Status.WARN, f"{sentence[:-1]}; {things} to look at."


def verdict(proof: Proof, by: str | None) -> tuple[Status, str]:
    """DMARC in one sentence; `by` is the receiver whose results count."""
    domain = proof.from_domain
    if proof.passes is None:
        return (
            Status.UNKNOWN,
            f"Whether this mail passes DMARC for {domain} cannot be told from what "
            "was given.",
        )
    if not proof.passes:
        return (
            Status.FAIL,
            f"This mail does not pass DMARC: nothing in it proves {domain}.",
        )
    proved = " and ".join(_proved_by(proof))
    if not proved:
        return (
            Status.PASS,
            f"This mail passed DMARC for {domain} where it arrived, by the word of "
            f"{by or 'the receiver'}.",
        )
    if proof.is_policy_known and proof.policy is None:
        return (
            Status.WARN,
            f"This mail is proved to be from {domain}, by {proved}, but the domain "
            "publishes no DMARC policy.",
        )
    if proof.dmarc == "fail":
        return (
            Status.WARN,
            f"This mail passes DMARC for {domain} now, by {proved}, but "
            f"{by or 'the receiver'} found that it fails: the records may have changed "
            "since.",
        )
    return Status.PASS, f"This mail passes DMARC for {domain}, by {proved}."


def _proved_by(proof: Proof) -> list[str]:
    """Which of the two hold and align; one is enough, both are safer."""
    signed = any(
        each.is_aligned and each.outcome is Outcome.VERIFIED
        for each in proof.signatures
    ) or any(each.is_aligned and each.told.result == "pass" for each in proof.dkim)
    allowed = any(each.is_aligned and each.told.result == "pass" for each in proof.spf)
    named = (("its DKIM signature", signed), ("SPF", allowed))
    return [name for name, holds in named if holds]


def dmarc_row(proof: Proof, by: str | None) -> ProofRow:
    status, title = verdict(proof, by)
    policy = "Its policy could not be asked for."
    if proof.is_policy_known:
        policy = (
            f"The policy of the domain asks receivers for: {proof.policy}."
            if proof.policy
            else "The domain publishes no policy. Gmail, Yahoo and Outlook ask for one "
            "of whoever sends them many."
        )
    told = f" {by} said: {proof.dmarc}." if proof.dmarc and by else ""
    return ProofRow(
        label="DMARC",
        status=status,
        about=proof.from_domain,
        title=title,
        text=policy + told,
    )


def signature_row(proof: Proof, judged: Judged, by: str | None) -> ProofRow:
    status, title = _OUTCOMES[judged.outcome]
    parts = [_of_key(judged), _why(judged.reason), _aligned(judged, status)]
    parts.append(_said(proof, judged, by))
    if status is Status.PASS and judged.is_partial:
        status = Status.WARN
        parts.append(_PARTIAL)
    if status is Status.PASS and judged.is_aligned is False:
        status = Status.INFO
    name = f"{judged.selector}._domainkey.{judged.domain}"
    return ProofRow(
        label="DKIM",
        status=status,
        about=name if judged.selector else judged.domain or "DKIM-Signature",
        title=title,
        text=" ".join(part for part in parts if part),
    )


def spf_row(each: ToldAligned, by: str | None, through: str | None) -> ProofRow:
    """`through`: a gateway handed the mail on, so that its address was judged."""
    status, what = _SPF.get(each.told.result, (Status.UNKNOWN, "was not judged"))
    domain = each.told.domain or "the envelope"
    who = by or "The receiver"
    text = f"{who} found that the address of the relay {what}. "
    if through and status is Status.FAIL:
        status = Status.WARN
        text = f"{who} found that {through}, a gateway, {what}. "
    if each.is_aligned is False:
        status = Status.INFO if status is Status.PASS else status
        text += "It does not align with From, so DMARC does not count it."
    elif each.is_aligned and each.told.result == "pass":
        text += "It aligns with From, so DMARC counts it."
    return ProofRow(
        label="SPF",
        status=status,
        about=domain,
        title=f"Result: {each.told.result}",
        text=text,
    )


def no_spf_row() -> ProofRow:
    return ProofRow(
        label="SPF",
        status=Status.UNKNOWN,
        about="envelope",
        title="Not told",
        text=f"The header holds {_UNSEEN} for SPF.",
    )


def no_signature_row(*, has_arrived: bool) -> ProofRow:
    """Of what names no hop nobody knows how much of the header is there."""
    if not has_arrived:
        return ProofRow(
            label="DKIM",
            status=Status.UNKNOWN,
            about="DKIM-Signature",
            title="Not there",
            text="What was given holds no DKIM signature, and is not the whole header "
            "of a mail that arrived.",
        )
    return ProofRow(
        label="DKIM",
        status=Status.FAIL,
        about="DKIM-Signature",
        title="Not signed",
        text="The mail carries no DKIM signature. Gmail, Yahoo and Outlook ask for one "
        "of whoever sends them many, and a mail that somebody forwards passes by its "
        "signature alone.",
    )


def _of_key(judged: Judged) -> str:
    if judged.bits:
        return f"RSA {judged.bits}."
    return "Ed25519." if judged.algorithm.startswith("ed25519") else ""


def _said(proof: Proof, judged: Judged, by: str | None) -> str:
    """The receiver's word for this signature."""
    told = (
        each.told.result
        for each in proof.dkim
        if each.told.domain == judged.domain
        and each.told.selector in (None, judged.selector)
    )
    result = next(told, None)
    return f"{by} said: {result}." if result and by else ""


def _why(reason: str | None) -> str:
    return _WHY.get(reason, _BROKEN_KEY) if reason else ""


def _aligned(judged: Judged, status: Status) -> str:
    if status is Status.FAIL:
        return ""
    if judged.is_aligned is None:
        return "Whether its domain is that of From could not be asked for."
    if judged.is_aligned:
        counted = ", so DMARC counts it" if status is Status.PASS else ""
        return f"Its domain aligns with that of From{counted}."
    return "Its domain does not align with From, so DMARC does not count it."
