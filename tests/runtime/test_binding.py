"""Channel bindings: both sides of a connection know the same, and nobody else does."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from apps.runtime import binding
from apps.runtime.tls import Certificates
from tests.runtime.certificates import signed_by_itself
from tests.support.handshake import both_sides

NAME = "mail.example.test"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder = tmp_path_factory.mktemp("tls")
    for name in (NAME, "other.example.test"):
        authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(
            str(folder / f"{name}.pem")
        )
    return Certificates(folder, None, NAME).server_context()


@pytest.fixture
def client(authority: trustme.CA) -> Callable[..., ssl.SSLContext]:
    def build(version: ssl.TLSVersion) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.maximum_version = version
        authority.configure_trust(context)
        return context

    return build


def leaf(theirs: ssl.SSLObject) -> x509.Certificate:
    der = theirs.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der)


def test_it_binds_to_tls_1_3(server: ssl.SSLContext, client: Callable[..., ssl.SSLContext]) -> None:
    theirs, ours = both_sides(server, client(ssl.TLSVersion.TLSv1_3), NAME)
    found = binding.of(ours)
    assert list(found) == ["tls-exporter", "tls-server-end-point"]
    assert len(found["tls-exporter"]) == 32
    # The client's side is asked in the same way; its context is no server's, so it has one only.
    assert dict(binding.of(theirs)) == {"tls-exporter": found["tls-exporter"]}
    assert found["tls-server-end-point"] == leaf(theirs).fingerprint(hashes.SHA256())
    assert binding.asked_name(ours) == NAME


def test_it_binds_to_tls_1_2(server: ssl.SSLContext, client: Callable[..., ssl.SSLContext]) -> None:
    theirs, ours = both_sides(server, client(ssl.TLSVersion.TLSv1_2), NAME)
    found = binding.of(ours)
    assert list(found) == ["tls-unique", "tls-server-end-point"]
    assert found["tls-unique"] == theirs.get_channel_binding("tls-unique")


def test_it_binds_each_connection_apart(
    server: ssl.SSLContext, client: Callable[..., ssl.SSLContext]
) -> None:
    context = client(ssl.TLSVersion.TLSv1_3)
    seen = {binding.of(both_sides(server, context, NAME)[1])["tls-exporter"] for _ in range(3)}
    assert len(seen) == 3


def test_it_binds_to_the_certificate_that_was_shown(
    server: ssl.SSLContext, client: Callable[..., ssl.SSLContext]
) -> None:
    theirs, ours = both_sides(server, client(ssl.TLSVersion.TLSv1_3), "other.example.test")
    shown = leaf(theirs).fingerprint(hashes.SHA256())
    assert binding.of(ours)["tls-server-end-point"] == shown


def test_it_binds_nothing_before_the_handshake(server: ssl.SSLContext) -> None:
    unspoken = server.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    assert not binding.of(unspoken)
    assert binding.asked_name(unspoken) == binding.asked_name(None) == ""


def test_it_binds_nothing_where_openssl_is_out_of_reach(
    server: ssl.SSLContext,
    client: Callable[..., ssl.SSLContext],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, ours = both_sides(server, client(ssl.TLSVersion.TLSv1_3), NAME)
    monkeypatch.setattr(binding, "_library", lambda: None)
    assert not binding.of(ours)


def test_it_follows_no_pointer_of_an_object_it_does_not_know() -> None:
    class Inner:
        __slots__ = ("a", "b", "c")

        def __init__(self) -> None:
            self.a = self.b = self.c = None

        @property
        def context(self) -> None:
            return None

    class Outer:
        _sslobj = Inner()

    assert binding._pointer(Outer()) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("signed_with", "size"), [(hashes.SHA256(), 32), (hashes.SHA384(), 48), (hashes.SHA512(), 64)]
)
def test_it_hashes_a_certificate_as_its_signature_does(
    signed_with: hashes.HashAlgorithm, size: int
) -> None:
    certificate = signed_by_itself(NAME, algorithm=signed_with)
    found = binding.end_point(certificate.public_bytes(Encoding.PEM))
    assert found == certificate.fingerprint(signed_with)
    assert len(found) == size


def test_it_has_no_end_point_of_a_certificate_whose_signature_has_no_hash(tmp_path: Path) -> None:
    certificate = signed_by_itself(NAME, key=ed25519.Ed25519PrivateKey.generate(), algorithm=None)
    assert binding.end_point(certificate.public_bytes(Encoding.PEM)) == b""
