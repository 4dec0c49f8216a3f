"""What the sender form asks for in the end: identity, pace, signature, fallback."""

from __future__ import annotations

from dataclasses import dataclass

from portal.config import Settings
from portal.providers.types import Provider
from portal.services.senders.grammar import MECHANISMS
from portal.web import sender_words
from portal.web.sender_forms import LATER, LOOKED_FOR, SIGNING, SenderForm

ALGORITHMS = (("rsa", "RSA, 2,048 bits"), ("ed25519", "Ed25519"))
SELECTOR = "portal"  # proposed for the first key of ours


@dataclass(frozen=True, kw_only=True)
class Later:
    """What most people do not need, with its help and what is wrong with it."""

    settings: Settings
    provider: Provider
    form: SenderForm

    @property
    def from_help(self) -> str:
        return sender_words.verified(self.provider)

    @property
    def usual_ehlo_name(self) -> str:
        return self.settings.ehlo_name

    @property
    def connections_help(self) -> str:
        return sender_words.CONNECTIONS

    @property
    def pace_help(self) -> str:
        return sender_words.PACE

    @property
    def limits_help(self) -> str:
        return sender_words.limits(self.provider)

    @property
    def mechanisms(self) -> tuple[tuple[str, str], ...]:
        usual = ("", "The strongest that the relay offers")
        return (usual, *((each, each) for each in MECHANISMS))

    @property
    def is_open(self) -> bool:
        return any(self.form._fields[name].errors for name in LATER)

    @property
    def falls_back(self) -> bool:
        """There is a platform default to fall back to, or somebody wanted it."""
        wanted = bool(self.form.fallback_after.data)
        return self.settings.default_sender is not None or wanted

    @property
    def signs(self) -> bool:
        return bool(self.form.signing.data == "own")

    @property
    def signing_open(self) -> bool:
        return any(self.form._fields[name].errors for name in SIGNING.values())

    @property
    def looks_open(self) -> bool:
        return any(self.form._fields[name].errors for name in LOOKED_FOR)

    @property
    def selectors_help(self) -> str:
        """What stands before “._domainkey”, and where it is to be found."""
        name, facts = self.provider.name, self.provider.dkim
        usual = ", ".join(facts.selectors) if facts else ""
        if usual:
            return f"Empty: {usual}, as {name} has them."
        many = facts.selector_count if facts and facts.all_required else None
        told = f"all {many} that {name} shows" if many else f"{name} shows them"
        if self.sends_itself:
            told = "what your server signs with"
        return f"The names before “._domainkey”, s= of a signature: {told}."

    @property
    def return_path_help(self) -> str:
        """The envelope domain where it is one's own."""
        path = self.provider.return_path
        if path and path.name:
            usual = (path.host_example or "").replace("{domain}", "your domain")
            like = f", usually {usual}" if usual and "{" not in usual else ""
            return f"{self.provider.name} calls it {path.name}{like}."
        return "The domain of the envelope. Empty: the usual one."

    @property
    def sends_itself(self) -> bool:
        """An own relay: its addresses are not a provider's business."""
        return self.provider.kind == "relay" and not self.provider.has_hosts

    @property
    def algorithms(self) -> tuple[tuple[str, str], ...]:
        return ALGORITHMS

    @property
    def selector(self) -> str:
        return self.form.dkim_selector.data or ("" if self.signs else SELECTOR)
