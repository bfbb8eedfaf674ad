"""The certificate that the doors show: how long it lasts, and for which names."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtensionOID
from django.conf import settings

from apps.provisioning.health.checks import Check, State, many
from apps.runtime import tls

SOON_DAYS: Final = 14
LAST_DAYS: Final = 3
_KEY, _NAME = "certificate", "Certificate"
_RENEW: Final = (
    "Renew it and put it in place of the files of TLS_CERT: they are read anew by themselves."
)


def certificate() -> list[Check]:
    """The one for clients that name none."""
    file = _file()
    if file is None:
        words = f"There is no certificate in {settings.TLS_CERT}."
        return [Check(_KEY, _NAME, State.BAD, words, "Put NAME.pem there, or see TLS_CERT.")]
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())[0]
    except (OSError, ValueError) as error:
        words = f"{file} cannot be read as a certificate: {type(error).__name__}."
        return [Check(_KEY, _NAME, State.BAD, words, "See TLS_CERT, and who may read the file.")]
    return [_standing(found, datetime.now(UTC)), _names(found)]


def ends_at() -> float | None:
    """When it ends, Unix seconds; None if there is none that can be read."""
    file = _file()
    try:
        text = b"" if file is None else file.read_bytes()
        found = x509.load_pem_x509_certificates(text)[0]
    except (OSError, ValueError):
        return None
    return found.not_valid_after_utc.timestamp()


def _file() -> Path | None:
    if Path() == settings.TLS_CERT:
        return tls.self_signed_file()
    chain: Path = settings.TLS_CERT
    if not chain.is_dir():
        return chain
    own = chain / f"{str(settings.MAIL_HOSTNAME).lower()}.pem"
    return own if own.exists() else next(iter(sorted(chain.glob("[!.]*.pem"))), None)


def _standing(found: x509.Certificate, at: datetime) -> Check:
    left = found.not_valid_after_utc - at
    until = f"{found.not_valid_after_utc:%-d %B %Y}"
    if left.total_seconds() <= 0:
        words = f"It ended on {until}: mail programs and browsers refuse it."
        return Check(_KEY, _NAME, State.BAD, words, _RENEW)
    if found.not_valid_before_utc > at:
        words = f"It begins on {found.not_valid_before_utc:%-d %B %Y} only."
        return Check(_KEY, _NAME, State.BAD, words, "See the clock of this machine.")
    words = f"It is good until {until}, {many(left.days, 'day')} from now."
    if left.days < SOON_DAYS:
        state = State.BAD if left.days < LAST_DAYS else State.WARNING
        return Check(_KEY, _NAME, state, words, _RENEW)
    if Path() == settings.TLS_CERT:
        words = (
            f"Made by this service itself, good until {until}. Programs ask whether to trust it."
        )
        advice = "Set TLS_CERT to a certificate of a known authority."
        return Check(_KEY, _NAME, State.WARNING, words, advice)
    return Check(_KEY, _NAME, State.OK, words)


def _names(found: x509.Certificate) -> Check:
    names = _dns_names(found)
    host = str(settings.MAIL_HOSTNAME).lower()
    shown = ", ".join(names[:5]) or "no name"
    key, name = "certificate.names", "Names in the certificate"
    if any(covers(one, host) for one in names):
        return Check(key, name, State.OK, f"It is for {shown}.")
    words = f"It is for {shown}, not for {host} (MAIL_HOSTNAME)."
    advice = f"Get one for {host}, or set MAIL_HOSTNAME to the name that clients use."
    return Check(key, name, State.BAD, words, advice)


def _dns_names(found: x509.Certificate) -> list[str]:
    try:
        extension = found.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except (x509.ExtensionNotFound, ValueError):
        return []
    value = extension.value
    assert isinstance(value, x509.SubjectAlternativeName)
    return [name.lower() for name in value.get_values_for_type(x509.DNSName)]


def covers(pattern: str, host: str) -> bool:
    """Whether a name of a certificate stands for a host: a wildcard for one label (RFC 9525)."""
    if not pattern.startswith("*."):
        return pattern == host
    _, dot, rest = host.partition(".")
    return bool(dot) and rest == pattern[2:]
