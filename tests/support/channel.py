"""The client's side of sign-ins that hang on TLS: channel bindings, and messages with tokens."""

import base64
import socket
import ssl

from cryptography import x509

from tests.support.scram_client import ScramClient


def bound(sock: socket.socket, username: str, password: str) -> ScramClient:
    """A client of SCRAM-SHA-256-PLUS that binds to the certificate that it was shown (RFC 5929)."""
    assert isinstance(sock, ssl.SSLSocket)
    der = sock.getpeercert(binary_form=True)
    assert der is not None
    certificate = x509.load_der_x509_certificate(der)
    algorithm = certificate.signature_hash_algorithm
    assert algorithm is not None
    return ScramClient(
        username,
        password,
        "nonce",
        header="p=tls-server-end-point,,",
        bound=certificate.fingerprint(algorithm),
    )


def oauthbearer(username: str, token: str, host: str = "localhost") -> str:
    """An initial response of RFC 7628, as a base64 line."""
    return _line(f"n,a={username},\x01host={host}\x01port=993\x01auth=Bearer {token}\x01\x01")


def xoauth2(username: str, token: str) -> str:
    """An initial response of XOAUTH2, as a base64 line."""
    return _line(f"user={username}\x01auth=Bearer {token}\x01\x01")


def _line(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
