"""Certificates of other servers, good and bad; every one is shown in a handshake."""

import ssl
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import override_settings

from apps.remote import certificates
from apps.remote.certificates import Problem
from tests.support.handshake import handshake
from tests.support.test_ca import Authority, ServerCertificate


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


def _self_made(*, usage: x509.ObjectIdentifier | None, common: str = "mx.example.org") -> bytes:
    """A self-signed certificate without a subjectAltName, DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_it_repeats_no_odd_characters_of_a_certificate() -> None:
    made = _self_made(usage=None, common="\x00\x1b[2J\u202eevil")
    found = certificates.problem([made], ["mx.example.org"], anchors=[made], takes_common_name=True)
    assert found is not None
    assert found.reason == "the certificate is for ??[2j?evil"


def test_it_takes_the_common_name_only_where_that_is_allowed() -> None:
    made = _self_made(usage=None)
    found = certificates.problem([made], ["mx.example.org"], anchors=[made])
    assert found is not None
    assert found.problem is Problem.HOST_MISMATCH
    assert (
        certificates.problem([made], ["mx.example.org"], anchors=[made], takes_common_name=True)
        is None
    )


def test_it_accepts_no_certificate_for_another_use() -> None:
    mail = x509.ExtendedKeyUsageOID.EMAIL_PROTECTION  # type: ignore[attr-defined]
    made = _self_made(usage=mail)
    found = certificates.problem([made], ["mx.example.org"], anchors=[made], takes_common_name=True)
    assert found is not None
    assert (found.problem, "not for servers" in found.reason) == (Problem.NOT_TRUSTED, True)


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
