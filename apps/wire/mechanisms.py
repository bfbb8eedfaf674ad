"""The table of SASL mechanisms: which there are, which are offered where, and how each begins."""

from __future__ import annotations

from collections.abc import Mapping

from apps.wire.bearer import OAuthBearer, XOAuth2
from apps.wire.sasl import PASSWORD_MECHANISMS, Login, Plain
from apps.wire.scram import ScramSha256

Exchange = ScramSha256 | Plain | Login | OAuthBearer

PLUS = "SCRAM-SHA-256-PLUS"
BEARER = frozenset({"OAUTHBEARER", "XOAUTH2"})
MECHANISMS = (PLUS, "SCRAM-SHA-256", *PASSWORD_MECHANISMS, *sorted(BEARER))
"""Every mechanism we speak, by its upper-case name, in the order in which they are offered: best
first, then those for which a client needs a token."""


def offered(bindings: Mapping[str, bytes], *, secure: bool, login: bool = True) -> tuple[str, ...]:
    """The mechanisms of a connection on which passwords may travel.

    Args:
        bindings: what a client may bind to; -PLUS is offered where there is something.
        secure: whether it is under TLS: a token must not travel otherwise, not even on this
            machine (RFC 7628 section 3).
        login: whether LOGIN is among them: IMAP and POP3 have commands that do the same.
    """
    left_out = set() if bindings else {PLUS}
    if not secure:
        left_out |= BEARER
    if not login:
        left_out.add("LOGIN")
    return tuple(name for name in MECHANISMS if name not in left_out)


def begin(name: str, bindings: Mapping[str, bytes]) -> Exchange:
    """A new exchange by one of `MECHANISMS`."""
    match name:
        case "SCRAM-SHA-256-PLUS" | "SCRAM-SHA-256":
            return ScramSha256(bindings, plus=name == PLUS)
        case "OAUTHBEARER":
            return OAuthBearer()
        case "XOAUTH2":
            return XOAuth2()
    return PASSWORD_MECHANISMS[name]()
