"""How the sender form asks for a relay: its hosts, its ports, what fits together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from portal.config import Settings
from portal.providers.types import Provider
from portal.services.senders import port_note, usual_security
from portal.web import sender_words
from portal.web.sender_forms import SenderForm, places

_READABLE = (
    "The operator lets this relay have a password without encryption. Everybody on"
    " the way between this portal and the relay can read the user name, the password"
    " and each mail."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What is worth a word about a relay: a port and an encryption that seldom go
    together, with what would fit, or who can read what is sent."""

    sentence: str
    usual: str = ""
    word: str = ""


def hint(settings: Settings, host: str, port: str, security: str) -> Hint | None:
    number = int(port) if port.isdecimal() and len(port) < 6 else None
    if security == "none" and (host.strip().lower(), number) in settings.cleartext_auth:
        return Hint(sentence=_READABLE)
    sentence = port_note(number, security)
    usual = usual_security(number)
    if sentence is None or usual is None:
        return None
    return Hint(
        sentence=sentence, usual=usual, word=f"Use {sender_words.SECURITY[usual]}"
    )


@dataclass(frozen=True, kw_only=True)
class Connection:
    """The relay: its hosts to choose between, its ports, what fits together."""

    settings: Settings
    provider: Provider
    form: SenderForm

    @cached_property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Hosts to choose between, as value and word; none where there is one."""
        found = places(self.provider)
        if len(found) < 2:
            return ()
        listed = tuple((each.host, sender_words.place(each)) for each in found)
        known = any(host == self.form.host.data for host, _ in listed)
        return listed if known else (("", "Choose, or type a host below"), *listed)

    @property
    def places_word(self) -> str:
        return "Region" if self.provider.regions else "What for"

    @property
    def host_help(self) -> str:
        pattern = self.provider.host_template or ""
        if self.provider.shown_host and not places(self.provider):
            return f"Like {self.provider.shown_host}."
        return f"Like {pattern}." if pattern and not self.places else ""

    @property
    def ports(self) -> tuple[tuple[int, str], ...]:
        return tuple(
            (each.port, sender_words.SECURITY[each.security])
            for each in self.provider.ports
        )

    @property
    def securities(self) -> tuple[tuple[str, str], ...]:
        return tuple(sender_words.SECURITY.items())

    @property
    def hint(self) -> Hint | None:
        form = self.form
        port, security = form.port.data or "", form.security.data or ""
        return hint(self.settings, form.host.data or "", port, security)
