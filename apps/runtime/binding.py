"""What ties a sign-in to the TLS connection it comes through: channel bindings (RFC 5056, RFC 5929,
RFC 9266).

A client that signs in with SCRAM-SHA-256-PLUS proves that its TLS ends here and not at somebody in
between. A binding is offered only where both sides know it for certain: `tls-exporter` under
TLS 1.3; `tls-unique` under TLS 1.2, if the master secret is an extended one (RFC 7627: without it
two connections can be made to have the same); with either `tls-server-end-point`, which alone would
fail clients that take the default of their TLS version (RFC 9266 section 3).

Python's `ssl` has no exporter (RFC 5705), so OpenSSL is asked for it through the pointer that its
object holds. That the object looks as expected is checked before the pointer is followed; where it
does not, or where the library cannot be reached, there are no bindings, and so no -PLUS.
"""

import _ssl
import ctypes
import logging
import ssl
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes

logger = logging.getLogger(__name__)

EXPORTER: Final = "tls-exporter"
UNIQUE: Final = "tls-unique"
END_POINT: Final = "tls-server-end-point"

NONE: Final[Mapping[str, bytes]] = MappingProxyType({})

_LABEL: Final = b"EXPORTER-Channel-Binding"  # RFC 9266 section 2; the context is empty
_SIZE: Final = 32
_EXTENDED_MASTER_SECRET: Final = 122  # SSL_CTRL_GET_EXTMS_SUPPORT of openssl/ssl.h
_WORD: Final = ctypes.sizeof(ctypes.c_void_p)

Export = Callable[[int], bytes]
IsExtended = Callable[[int], bool]


class CertifiedContext(ssl.SSLContext):
    """A server's context that knows its certificate by the hash that names it to clients."""

    end_point: bytes = b""


def of(tls: ssl.SSLObject) -> Mapping[str, bytes]:
    """The bindings of a server's side after its handshake, the default of the version first.

    Empty if a client could not rely on them.
    """
    found = _unique(tls)
    if found and isinstance(tls.context, CertifiedContext) and tls.context.end_point:
        found[END_POINT] = tls.context.end_point
    return found


def asked_name(tls: ssl.SSLObject | None) -> str:
    """The name the client asked for in its handshake (RFC 6066 section 3), "" if it gave none."""
    return getattr(tls, "asked_name", "")


def end_point(pem: bytes) -> bytes:
    """The `tls-server-end-point` of the first certificate in PEM text, RFC 5929 section 4.1.

    Empty where that is not defined: signatures without a hash of their own (Ed25519).
    """
    certificate = x509.load_pem_x509_certificates(pem)[0]
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None:
        return b""
    if isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        algorithm = hashes.SHA256()
    return certificate.fingerprint(algorithm)


def _unique(tls: ssl.SSLObject) -> dict[str, bytes]:
    """What no other connection has."""
    library = _library()
    pointer = _pointer(tls) if library is not None else None
    if library is None or pointer is None:
        return {}
    export, is_extended = library
    match tls.version():
        case "TLSv1.3":
            exported = export(pointer)
            return {EXPORTER: exported} if exported else {}
        case "TLSv1.2" if is_extended(pointer):
            first_finished = tls.get_channel_binding(UNIQUE)
            return {UNIQUE: first_finished} if first_finished else {}
    return {}


@lru_cache(maxsize=1)
def _library() -> tuple[Export, IsExtended] | None:
    """The two questions to the OpenSSL that Python's `ssl` itself uses; None: out of reach."""
    if sys.implementation.name != "cpython":
        return None
    try:
        # Symbols are looked up in a library and in those it needs: libssl is one of them.
        library = ctypes.CDLL(getattr(_ssl, "__file__", None))
        exporter, control = library.SSL_export_keying_material, library.SSL_ctrl
    except (OSError, AttributeError) as error:
        logger.warning("no channel bindings: OpenSSL cannot be asked: %s", error)
        return None
    text = (ctypes.c_char_p, ctypes.c_size_t)
    exporter.argtypes = (ctypes.c_void_p, *text, *text, *text, ctypes.c_int)
    exporter.restype = ctypes.c_int
    control.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_void_p)
    control.restype = ctypes.c_long

    def export(pointer: int) -> bytes:
        out = ctypes.create_string_buffer(_SIZE)
        done = exporter(pointer, out, _SIZE, _LABEL, len(_LABEL), b"", 0, 1)
        return out.raw if done == 1 else b""

    def is_extended(pointer: int) -> bool:
        return bool(control(pointer, _EXTENDED_MASTER_SECRET, 0, None) == 1)

    return export, is_extended


def _pointer(tls: ssl.SSLObject) -> int | None:
    """The `SSL *` of a connection.

    CPython's object (Modules/_ssl.c, PySSLSocket) has after its head: the socket (NULL here), the
    `SSL *`, the context. The first and the last are known, so that another layout is noticed.
    """
    inner = tls._sslobj  # type: ignore[attr-defined]
    words = (ctypes.c_void_p * 3).from_address(id(inner) + object.__basicsize__)
    if inner.__class__.__basicsize__ < object.__basicsize__ + 3 * _WORD:
        return None
    if words[0] is not None or words[2] != id(inner.context):
        logger.warning("no channel bindings: the TLS objects of this Python are not known")
        return None
    return words[1]
