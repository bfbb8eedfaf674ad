"""TLS for every door: certificates by name, reloaded while connections stay open, and strict
settings.

TLS 1.2 and 1.3, ECDHE key exchange and AEAD ciphers only. ALPN is strict: a client that offers
protocols, and not ours among them, is refused with the alert `no_application_protocol`, so that a
browser tricked into talking to a mail door never gets a word in (the ALPACA attacks; RFC 7301
section 3.2).

A context that `server_context` gave out lives as long as the process: it has no certificate
itself, and hands each handshake over to the context that holds the newest certificate for the name
the client asks for.
"""

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from django.conf import settings

from apps.runtime import binding
from apps.runtime.binding import CertifiedContext
from apps.runtime.clienthello import offered_protocols

logger = logging.getLogger(__name__)

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
CHECK_SECONDS = 2.0  # between two looks at the files
_NO_APPLICATION_PROTOCOL = 120  # alert, RFC 7301 section 3.2
_INTERNAL_ERROR = 80
_HANDSHAKE = 22
_CLIENT_HELLO = 1

Signature = tuple[tuple[str, int, int, int], ...]


class CertificateError(Exception):
    """No usable certificate; its text is the sentence for the administrator."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Files of one certificate; `key` may be the same file."""

    chain: Path
    key: Path


@dataclass(slots=True)
class _Loaded:
    """One state of the files. Contexts are made when asked for, from files that proved good."""

    default: _Pair
    names: Mapping[str, _Pair]
    contexts: dict[tuple[_Pair, tuple[str, ...]], ssl.SSLContext] = field(default_factory=dict)

    def context(self, name: str | None, protocols: tuple[str, ...]) -> ssl.SSLContext:
        # An unknown name gets the default and leaves nothing behind: contexts are bounded by
        # files.
        pair = self.names.get((name or "").lower(), self.default)
        found = self.contexts.get((pair, protocols))
        if found is None:
            found = self.contexts[pair, protocols] = _context(pair, protocols)
        return found


class Certificates:
    """The certificates of this installation.

    Args:
        chain: a PEM file, or a folder with one NAME.pem (chain and key) per host name.
        key: PEM file of the key; None when `chain` holds it too.
        default: host name whose certificate is shown to clients that name none, or an unknown one.

    Raises:
        CertificateError: they cannot be used.
    """

    def __init__(self, chain: Path, key: Path | None, default: str) -> None:
        self._chain = chain
        self._key = key
        self._default = default.lower()
        self._fronts: dict[tuple[str, ...], ssl.SSLContext] = {}
        self._seen = self._signature()
        self._loaded = self._load()

    def server_context(self, *protocols: str) -> ssl.SSLContext:
        """A context for a door that speaks `protocols` (ALPN names; none: clients offer none)."""
        front = self._fronts.get(protocols)
        if front is None:
            front = self._fronts[protocols] = self._front(protocols)
        return front

    def reload_if_changed(self) -> bool:
        """True when newer files are in use now. Bad ones are logged as an error, the old stay."""
        seen = self._signature()
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            self._loaded = self._load()
        except CertificateError as error:
            logger.error("new certificate is not usable, the old one stays: %s", error)
            return False
        logger.info("certificates were loaded anew")
        return True

    async def watch(self) -> None:
        """Reload whenever the files change, until cancelled."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            self.reload_if_changed()

    def _front(self, protocols: tuple[str, ...]) -> ssl.SSLContext:
        front = _configure(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), protocols)
        # No session tickets after the handshake (RFC 8446 s4.6.1). A client that reads in one
        # thread and writes in another takes them for an answer to come after STARTTLS: OfflineIMAP
        # loses its next command, once in 150 times, and waits for ever. Resuming saves a signature.
        front.num_tickets = 0
        ours = frozenset(name.encode() for name in protocols)

        def message(
            connection: Any, direction: str, version: int, kind: int, what: int, raw: bytes
        ) -> None:
            if direction == "read" and kind == _HANDSHAKE and what == _CLIENT_HELLO:
                offered = offered_protocols(raw)
                connection.is_foreign = bool(offered) and ours.isdisjoint(offered)

        def named(connection: Any, name: str | None, _context: ssl.SSLContext) -> int | None:
            if getattr(connection, "is_foreign", False):
                return _NO_APPLICATION_PROTOCOL
            connection.asked_name = name or ""
            try:
                connection.context = self._loaded.context(name, protocols)
            except (OSError, ssl.SSLError) as error:
                # The file went bad after it had been proved good, and before its first use.
                logger.error("certificate for %r cannot be loaded", name, exc_info=error)
                return _INTERNAL_ERROR
            return None

        # Called for handshake messages only: with the other context in place it falls silent. The
        # attribute has no public name; it has been in every Python since 3.8, and a test guards
        # it.
        front._msg_callback = message  # type: ignore[attr-defined]
        front.sni_callback = named
        return front

    def _signature(self) -> Signature:
        rows = []
        for file in self._files():
            try:
                known = file.stat()
            except OSError:
                rows.append((str(file), 0, 0, 0))
            else:
                rows.append((str(file), known.st_mtime_ns, known.st_size, known.st_ino))
        return tuple(rows)

    def _files(self) -> list[Path]:
        if self._chain.is_dir():
            return sorted(self._chain.glob("[!.]*.pem"))
        return [self._chain, self._key] if self._key is not None else [self._chain]

    def _load(self) -> _Loaded:
        if not self._chain.is_dir():
            loaded = _Loaded(_Pair(self._chain, self._key or self._chain), {})
        else:
            names = {file.stem.lower(): _Pair(file, file) for file in self._files()}
            if not names:
                raise CertificateError(f"there is no NAME.pem in {self._chain}")
            loaded = _Loaded(names.get(self._default) or next(iter(names.values())), names)
        for pair in {loaded.default, *loaded.names.values()}:
            self._prove(loaded, pair)
        return loaded

    def _prove(self, loaded: _Loaded, pair: _Pair) -> None:
        try:
            context = _context(pair, ())
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
            raise CertificateError(
                f"{pair.chain} with key {pair.key} cannot be used as a certificate: {reason}"
            ) from None
        loaded.contexts[pair, ()] = context


def _configure(context: ssl.SSLContext, protocols: tuple[str, ...]) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_SINGLE_ECDH_USE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def _context(pair: _Pair, protocols: tuple[str, ...]) -> ssl.SSLContext:
    context = CertifiedContext(ssl.PROTOCOL_TLS_SERVER)
    _configure(context, protocols)
    # A key with a passphrase would make OpenSSL ask on the terminal: refuse it instead.
    before = pair.chain.read_bytes()
    context.load_cert_chain(pair.chain, pair.key, password=_no_passphrase)
    if pair.chain.read_bytes() != before:
        raise ssl.SSLError("the certificate was being replaced")
    try:
        context.end_point = binding.end_point(before)
    except (ValueError, UnsupportedAlgorithm) as error:  # good enough for OpenSSL
        logger.warning("no channel binding by certificate: %s", error)
    return context


def _no_passphrase() -> str:
    raise ssl.SSLError("the key has a passphrase")


def _is_set(path: Path) -> bool:
    return path != Path()  # how the table of settings reads an empty path


def self_signed_file() -> Path:
    """The certificate that is used when TLS_CERT is empty; named after the host it is for."""
    folder: Path = settings.MAILHOST_DATA / "tls"
    return folder / f"{settings.MAIL_HOSTNAME}.pem"


def ensure_certificate() -> bool:
    """Make the self-signed certificate if one is needed and missing; true when it was made."""
    if _is_set(settings.TLS_CERT) or self_signed_file().exists():
        return False
    from apps.runtime import selfsigned

    selfsigned.make(settings.MAIL_HOSTNAME, self_signed_file())
    return True


@lru_cache(maxsize=1)
def certificates() -> Certificates:
    """This process's certificates, from TLS_CERT and TLS_KEY.

    Raises:
        CertificateError: they cannot be used.
    """
    if not _is_set(settings.TLS_CERT):
        ensure_certificate()
        return Certificates(self_signed_file(), None, settings.MAIL_HOSTNAME)
    key = settings.TLS_KEY if _is_set(settings.TLS_KEY) else None
    return Certificates(settings.TLS_CERT, key, settings.MAIL_HOSTNAME)


def server_context(*protocols: str) -> ssl.SSLContext:
    """A context for a door that speaks `protocols`; see `Certificates.server_context`."""
    return certificates().server_context(*protocols)
