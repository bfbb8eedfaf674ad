"""Certificates of other servers, good and bad; every one is shown in a handshake."""

import ssl
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from django.test import override_settings

from apps.remote import certificates
from apps.remote.certificates import Problem
from tests.support.handshake import handshake
from tests.support.test_ca import Authority, ServerCertificate

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    made = Authority(tmp_path)
    with override_settings(EXTRA_CA=made.file):
        yield made


def shown(server: ServerCertificate, name: str | None = "mx.example.org") -> list[bytes]:
    """What a server shows."""
    context = certificates.context(is_strict=False)
    return certificates.chain_of(handshake(server.context, context, name))


def test_it_accepts_the_certificate_of_the_host(authority: Authority) -> None:
    chain = shown(authority.server("mx.example.org"))
    assert certificates.problem(chain, ["mx.example.org"]) is None
    assert certificates.problem(chain, ["else.example.org", "mx.example.org"]) is None
    assert (
        certificates.problem(shown(authority.server("*.example.org")), ["mx.example.org"]) is None
    )
    assert certificates.problem(shown(authority.server("127.0.0.9")), ["127.0.0.9"]) is None


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        (["other.example.org"], "mx.example.org"),
        (["*.example.org"], "a.mx.example.org"),
        (["*.example.org"], "example.org"),
        (["mx.example.org.evil.test"], "mx.example.org"),
        (["127.0.0.1"], "mx.example.org"),
        (["*.0.0.1"], "127.0.0.1"),
    ],
)
def test_it_says_when_a_certificate_is_for_another_host(
    authority: Authority, names: list[str], asked: str
) -> None:
    found = certificates.problem(shown(authority.server(*names)), [asked])
    assert found is not None
    assert found.problem is Problem.HOST_MISMATCH
    assert names[0] in found.reason


def test_it_says_when_a_certificate_has_expired(authority: Authority) -> None:
    for wrong in (
        authority.server("mx.example.org", is_expired=True),
        authority.server("mx.example.org", is_early=True),
    ):
        found = certificates.problem(shown(wrong), ["mx.example.org"])
        assert found is not None
        assert found.problem is Problem.EXPIRED


def test_it_says_when_nobody_vouches_for_a_certificate(
    authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger").server("mx.example.org")
    found = certificates.problem(shown(stranger), ["mx.example.org"])
    assert found is not None
    assert found.problem is Problem.NOT_TRUSTED


def test_it_trusts_nobody_more_without_an_authority_of_ours(tmp_path: Path) -> None:
    chain = shown(Authority(tmp_path).server("mx.example.org"))
    found = certificates.problem(chain, ["mx.example.org"])
    assert found is not None
    assert found.problem is Problem.NOT_TRUSTED


def test_it_goes_on_with_a_file_of_authorities_that_is_broken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chain = shown(Authority(tmp_path).server("mx.example.org"))
    for file in (tmp_path / "missing.pem", tmp_path):
        with override_settings(EXTRA_CA=file):
            found = certificates.problem(chain, ["mx.example.org"])
            assert found is not None
            assert found.problem is Problem.NOT_TRUSTED
            assert certificates.web_context().verify_mode is ssl.CERT_REQUIRED
    assert "EXTRA_CA cannot be used" in caplog.text


def test_it_reads_no_certificate_that_is_none() -> None:
    for chain in ([], [b""], [b"\x30\x03\x02\x01\x01"], [b"\xff" * 2_000]):
        found = certificates.problem(chain, ["mx.example.org"])
        assert found is not None
        assert found.problem is Problem.NOT_TRUSTED


@dataclass(frozen=True, slots=True)
class Made:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)


def make(
    by: Made | None = None,
    *,
    name: str = "mx.example.org",
    key: Key | None = None,
    is_authority: bool = False,
    is_weak: bool = False,
    extension: x509.ExtensionType | None = None,
) -> Made:
    """A certificate by hand, self-signed without `by`; it has no subjectAltName by itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
    )
    if extension is not None:
        builder = builder.add_extension(extension, critical=False)
    signer = by.key if by else key
    signed = builder.sign(signer, hashes.SHA256())
    return Made(weakened(signed, signer) if is_weak else signed, key)


def weakened(certificate: x509.Certificate, signer: Key) -> x509.Certificate:
    """Signed by RSA and SHA-1, which cryptography does not make any more: another algorithm, whose
    name is as long, and another signature, as long too."""
    assert isinstance(signer, rsa.RSAPrivateKey)
    sha256, sha1 = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    told = certificate.tbs_certificate_bytes.replace(sha256, sha1)
    signature = signer.sign(told, padding.PKCS1v15(), hashes.SHA1())
    der = certificate.public_bytes(serialization.Encoding.DER)
    der = der.replace(sha256, sha1).replace(certificate.signature, signature)
    return x509.load_der_x509_certificate(der)


def named(host: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.DNSName(host)])


def test_it_repeats_no_odd_characters_of_a_certificate() -> None:
    made = make(name="\x00\x1b[2J\u202eevil").der
    found = certificates.problem([made], ["mx.example.org"], anchors=[made], takes_common_name=True)
    assert found is not None
    assert found.reason == "the certificate is for ??[2j?evil"


def test_it_takes_the_common_name_only_where_that_is_allowed() -> None:
    made = make().der
    found = certificates.problem([made], ["mx.example.org"], anchors=[made])
    assert found is not None
    assert found.problem is Problem.HOST_MISMATCH
    assert (
        certificates.problem([made], ["mx.example.org"], anchors=[made], takes_common_name=True)
        is None
    )


def test_it_accepts_no_certificate_for_another_use() -> None:
    mail = x509.ExtendedKeyUsageOID.EMAIL_PROTECTION  # type: ignore[attr-defined]
    made = make(extension=x509.ExtendedKeyUsage([mail])).der
    found = certificates.problem([made], ["mx.example.org"], anchors=[made], takes_common_name=True)
    assert found is not None
    assert (found.problem, "not for servers" in found.reason) == (Problem.NOT_TRUSTED, True)


def test_it_lets_no_host_vouch_for_another() -> None:
    """Who has a certificate of a trusted authority has no right to issue more."""
    root = make(name="root", is_authority=True)
    host = make(root, name="evil.test", extension=named("evil.test"))
    forged = make(host, extension=named("mx.example.org"))
    chain = [forged.der, host.der, root.der]
    found = certificates.problem(chain, ["mx.example.org"], anchors=[root.der])
    assert found is not None
    assert found.problem is Problem.NOT_TRUSTED
    middle = make(root, name="middle", is_authority=True)
    proper = make(middle, extension=named("mx.example.org"))
    chain = [proper.der, middle.der]
    assert certificates.problem(chain, ["mx.example.org"], anchors=[root.der]) is None


@pytest.mark.parametrize("what", ["key", "authority's key", "signature", "authority's signature"])
def test_it_accepts_nothing_weak(what: str) -> None:
    weak = rsa.generate_private_key(65537, 1024)
    strong = rsa.generate_private_key(65537, 2048)
    root = make(
        name="root",
        key=weak if what == "authority's key" else strong,
        is_authority=True,
        is_weak=what == "authority's signature",
    )
    host = make(
        root,
        key=weak if what == "key" else None,
        is_weak=what == "signature",
        extension=named("mx.example.org"),
    )
    found = certificates.problem([host.der], ["mx.example.org"], anchors=[root.der])
    if what == "authority's signature":  # its own, which proves nothing anyway
        assert found is None
    else:
        assert found is not None
        assert (found.problem, "weak" in found.reason) == (Problem.NOT_TRUSTED, True)


def test_it_speaks_old_tls_only_where_mail_would_go_in_the_clear(authority: Authority) -> None:
    server = authority.server("mx.example.org").context
    server.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old TLS is what this is about
        server.maximum_version = ssl.TLSVersion.TLSv1_1
    server.set_ciphers("DEFAULT:@SECLEVEL=0")
    old = handshake(server, certificates.context(is_strict=False), "mx.example.org")
    assert old.version() == "TLSv1.1"
    with pytest.raises(ssl.SSLError):
        handshake(server, certificates.context(is_strict=True), "mx.example.org")
