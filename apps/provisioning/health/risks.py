"""Settings that an installation for others should not have, or should know that it has."""

from django.conf import settings

from apps.provisioning.health.checks import Check, State

_NAME = "Settings"


def risks() -> list[Check]:
    """Each that is set so; one line if none is."""
    found = []
    if settings.DEBUG:
        found.append(
            _risk("DEBUG", State.BAD, "DEBUG is on: errors show strangers how the service is made.")
        )
    if settings.ACT_AS_USER:
        words = "ACT_AS_USER is on: administrators can look as a user. The user is told each time."
        found.append(_risk("ACT_AS_USER", State.WARNING, words, "Switch it off when it is over."))
    if settings.CLEARTEXT_AUTH != "never":
        words = "CLEARTEXT_AUTH is loopback: programs on this machine send passwords without TLS."
        found.append(_risk("CLEARTEXT_AUTH", State.WARNING, words))
    if not settings.WEB_TLS and not settings.TRUSTED_PROXIES:
        words = "WEB_TLS is off and no proxy is trusted: passwords cross the network in the clear."
        advice = "Set WEB_TLS=on, or TRUSTED_PROXIES to the proxy that speaks TLS."
        found.append(_risk("WEB_TLS", State.BAD, words, advice))
    if settings.SECOND_FACTOR == "optional":
        words = "SECOND_FACTOR is optional: administrators may do without a second factor."
        advice = "Set SECOND_FACTOR=administrators."
        found.append(_risk("SECOND_FACTOR", State.WARNING, words, advice))
    return found or [Check("settings", _NAME, State.OK, "None of them is risky.")]


def _risk(setting: str, state: State, words: str, advice: str = "Take it out.") -> Check:
    return Check(f"settings.{setting}", _NAME, state, words, advice)
