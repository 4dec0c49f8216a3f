"""Whose mailboxes a domain has: by its name, or by where its mail goes (MX).

Domains that anybody may have a mailbox in, those that providers lend to accounts
without one, and the hosts that MX records of customers' own domains name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

# Freemail: the domain, and the provider whose relay its mailboxes use. None where
# the catalogue has none.
_DOMAINS: Mapping[str, str | None] = {
    **dict.fromkeys(("gmail.com", "googlemail.com"), "gmail"),
    **dict.fromkeys(
        ("outlook.com", "outlook.de", "outlook.fr", "hotmail.com", "hotmail.co.uk"),
        "outlook_com",
    ),
    **dict.fromkeys(
        ("hotmail.de", "hotmail.fr", "hotmail.it", "live.com", "live.de", "msn.com"),
        "outlook_com",
    ),
    **dict.fromkeys(
        ("outlook.es", "outlook.it", "outlook.at", "outlook.be", "outlook.com.br"),
        "outlook_com",
    ),
    **dict.fromkeys(
        ("hotmail.es", "hotmail.nl", "hotmail.be", "hotmail.ca", "windowslive.com"),
        "outlook_com",
    ),
    **dict.fromkeys(
        ("live.co.uk", "live.fr", "live.nl", "live.it", "live.be", "live.ca"),
        "outlook_com",
    ),
    **dict.fromkeys(
        ("yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.it", "yahoo.es", "yahoo.co.uk"),
        "yahoo",
    ),
    **dict.fromkeys(("yahoo.ca", "yahoo.co.in", "yahoo.in", "yahoo.com.br"), "yahoo"),
    **dict.fromkeys(("yahoo.com.au", "yahoo.com.mx", "yahoo.at", "yahoo.se"), "yahoo"),
    **dict.fromkeys(("ymail.com", "rocketmail.com", "aol.com", "aim.com"), "yahoo"),
    **dict.fromkeys(("icloud.com", "me.com", "mac.com"), "icloud"),
    **dict.fromkeys(("gmx.net", "gmx.de", "gmx.com", "gmx.at", "gmx.ch"), "gmx"),
    **dict.fromkeys(("gmx.eu", "gmx.fr", "gmx.co.uk", "gmx.us", "web.de"), "gmx"),
    **dict.fromkeys(("fastmail.com", "fastmail.fm"), "fastmail"),
    **dict.fromkeys(("ik.me", "etik.com", "ikmail.com"), "infomaniak"),
    **dict.fromkeys(("zohomail.com", "zohomail.eu", "zoho.com"), "zoho_mail"),
    **dict.fromkeys(("proton.me", "protonmail.com", "pm.me"), "proton"),
    **dict.fromkeys(("yandex.com", "yandex.ru", "ya.ru"), "yandex"),
    **dict.fromkeys(("t-online.de", "freenet.de", "mail.ru", "hey.com", "tuta.com")),
    **dict.fromkeys(("qq.com", "163.com", "126.com", "naver.com", "orange.fr")),
    **dict.fromkeys(("laposte.net", "libero.it", "wp.pl", "o2.pl", "seznam.cz")),
    **dict.fromkeys(("free.fr", "sfr.fr", "bluewin.ch", "mail.com", "tutanota.com")),
}
# What a provider lends, and all below it: it signs for these, and nobody else.
_LENT: Mapping[str, tuple[str, ...]] = {
    "onmicrosoft.com": ("microsoft365", "microsoft365_connector", "microsoft365_hve"),
    "azurecomm.net": ("azure_communication_services",),
    "mailgun.org": ("mailgun_us", "mailgun_eu"),
    "resend.dev": ("resend",),
    "mlsender.net": ("mailersend",),
    "demomailtrap.com": ("mailtrap",),
    "demomailtrap.co": ("mailtrap",),
    "brevosend.com": ("brevo",),
    "sparkpostbox.com": ("sparkpost", "sparkpost_eu"),
}
# The end of an MX host's name, and the provider that runs it.
_EXCHANGERS: Mapping[str, str] = {
    "google.com": "gmail",
    "googlemail.com": "gmail",
    "mail.protection.outlook.com": "microsoft365",
    "mx.microsoft": "microsoft365",
    "olc.protection.outlook.com": "outlook_com",
    "yahoodns.net": "yahoo",
    "mail.icloud.com": "icloud",
    "messagingengine.com": "fastmail",
    "zoho.com": "zoho_mail",
    "zoho.eu": "zoho_mail",
    "zoho.in": "zoho_mail",
    "protonmail.ch": "proton",
    "yandex.net": "yandex",
    "yandex.ru": "yandex",
    "mail.gandi.net": "gandi",
    "mail.ovh.net": "ovh",
    "kundenserver.de": "ionos",
    "ionos.com": "ionos",
    "ionos.de": "ionos",
    "infomaniak.ch": "infomaniak",
    "your-server.de": "hetzner",
    "forwardemail.net": "forward_email",
    "gmx.net": "gmx",
}


def is_freemail(domain: str) -> bool:
    """Whether anybody may have a mailbox there: nobody's own domain."""
    return domain.lower() in _DOMAINS


def home_of(domain: str) -> str | None:
    """The provider of a freemail domain, where the catalogue has it."""
    return _DOMAINS.get(domain.lower())


def lords_of(domain: str) -> tuple[str, ...] | None:
    """The providers that alone may send for a domain of theirs; None for everybody's
    own."""
    if is_freemail(domain):
        home = home_of(domain)
        return (home,) if home else ()
    return next((_LENT[end] for end in _ends(domain) if end in _LENT), None)


def behind(exchanger: str) -> str | None:
    """The provider that runs this MX host."""
    return next((_EXCHANGERS[e] for e in _ends(exchanger) if e in _EXCHANGERS), None)


def _ends(name: str) -> Iterator[str]:
    labels = name.lower().rstrip(".").split(".")
    return (".".join(labels[at:]) for at in range(len(labels)))
