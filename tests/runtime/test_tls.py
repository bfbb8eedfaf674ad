"""TLS as clients see it: versions, ciphers, ALPN, names, reload."""

import os
import shutil
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from apps.runtime import selfsigned, tls
from apps.runtime.clienthello import offered_protocols
from apps.runtime.tls import CertificateError, Certificates

NAME = "mail.example.test"


@dataclass
class Handshake:
    """How one in memory went."""

    version: str | None = None
    cipher: str = ""
    alpn: str | None = None
    names: tuple[str, ...] = ()
    alert: str = ""
    unasked: bytes = b""  # what the server sends of itself when all is agreed


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str | None) -> Handshake:
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=name)
    result = Handshake()
    for _ in range(5):
        for side in (theirs, ours):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                if side is theirs:
                    result.alert = str(error)
                    return result
    result.unasked = to_client.read()
    result.version, result.alpn = theirs.version(), ours.selected_alpn_protocol()
    result.cipher = (theirs.cipher() or ("",))[0]
    shown = theirs.getpeercert(binary_form=True)
    assert shown is not None
    names = x509.load_der_x509_certificate(shown).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    result.names = tuple(names.value.get_values_for_type(x509.DNSName))
    return result


def client(
    *, alpn: Sequence[str] = (), ciphers: str = "", version: ssl.TLSVersion | None = None
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


@pytest.fixture
def certificates(tls_files: dict[str, Path]) -> Certificates:
    return Certificates(tls_files["cert"], tls_files["key"], NAME)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_it_speaks_tls_1_2_and_1_3(certificates: Certificates, version: ssl.TLSVersion) -> None:
    result = handshake(certificates.server_context(), client(version=version), NAME)
    assert result.version == version.name.replace("_", ".")
    assert NAME in result.names


def test_it_sends_nothing_unasked_after_the_handshake(certificates: Certificates) -> None:
    """Session tickets would make a client's select() true with nothing to read behind it."""
    newest = client(version=ssl.TLSVersion.TLSv1_3)
    assert handshake(certificates.server_context("imap"), newest, NAME).unasked == b""


@pytest.mark.filterwarnings("ignore:.*TLSv1.*deprecated")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_it_refuses_older_versions(certificates: Certificates, version: ssl.TLSVersion) -> None:
    old = client(version=version, ciphers="ALL:@SECLEVEL=0")
    assert handshake(certificates.server_context(), old, NAME).alert


@pytest.mark.parametrize(
    "ciphers",
    [
        "AES128-GCM-SHA256",
        "DHE+AESGCM",
        "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256",
        "AES256-SHA",
    ],
)
def test_it_refuses_ciphers_without_forward_secrecy_or_authentication(
    certificates: Certificates, ciphers: str
) -> None:
    weak = client(version=ssl.TLSVersion.TLSv1_2, ciphers=f"{ciphers}:@SECLEVEL=0")
    assert "handshake failure" in handshake(certificates.server_context(), weak, NAME).alert


def test_it_offers_only_ecdhe_with_aead(certificates: Certificates) -> None:
    any_cipher = client(version=ssl.TLSVersion.TLSv1_2)
    assert handshake(certificates.server_context(), any_cipher, NAME).cipher.startswith("ECDHE-")
    names = [one["name"] for one in certificates.server_context().get_ciphers()]
    assert names
    for name in names:
        assert name.startswith(("TLS_", "ECDHE-"))
        assert "GCM" in name or "CHACHA20" in name


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", [NAME, None])
def test_it_refuses_clients_of_another_protocol(
    certificates: Certificates, version: ssl.TLSVersion, name: str | None
) -> None:
    imap, smtp = certificates.server_context("imap"), certificates.server_context()
    assert handshake(imap, client(alpn=["imap"], version=version), name).alpn == "imap"
    assert handshake(imap, client(alpn=["h2", "imap"], version=version), name).alpn == "imap"
    assert handshake(imap, client(version=version), name).alpn is None
    assert handshake(smtp, client(version=version), name).version
    for server in (imap, smtp):
        refused = handshake(server, client(alpn=["h2", "http/1.1"], version=version), name)
        assert "no application protocol" in refused.alert


def _issue(authority: trustme.CA, file: Path, name: str) -> None:
    issued = authority.issue_cert(name)
    fresh = file.with_name(f".{file.name}")
    fresh.write_bytes(issued.private_key_and_cert_chain_pem.bytes())
    fresh.replace(file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    authority = trustme.CA()
    for name in ("a.example", "b.example", NAME):
        _issue(authority, tmp_path / f"{name}.pem", name)
    return tmp_path


def test_it_shows_the_certificate_of_the_name_asked_for(folder: Path) -> None:
    server = Certificates(folder, None, NAME).server_context("imap")
    for name in ("a.example", "b.example"):
        assert handshake(server, client(), name).names == (name,)
        assert handshake(server, client(), name.upper()).names == (name,)
    assert handshake(server, client(), "unknown.example").names == (NAME,)
    assert handshake(server, client(), None).names == (NAME,)


def test_it_keeps_nothing_for_names_it_does_not_know(folder: Path) -> None:
    certificates = Certificates(folder, None, NAME)
    server, any_client = certificates.server_context(), client()
    for number in range(300):
        handshake(server, any_client, f"n{number}.example")
    assert len(certificates._loaded.contexts) <= 3


def test_it_reloads_without_a_new_context(folder: Path) -> None:
    certificates = Certificates(folder, None, NAME)
    server = certificates.server_context("imap")
    assert not certificates.reload_if_changed()
    before = handshake(server, client(), "a.example")
    _issue(trustme.CA(), folder / "a.example.pem", "new.example")
    _issue(trustme.CA(), folder / "c.example.pem", "c.example")
    assert certificates.reload_if_changed()
    assert before.names == ("a.example",)
    assert handshake(server, client(), "a.example").names == ("new.example",)
    assert handshake(server, client(), "c.example").names == ("c.example",)


def test_it_keeps_the_old_one_when_the_new_is_broken(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificates = Certificates(folder, None, NAME)
    server = certificates.server_context()
    (folder / "a.example.pem").write_text("-----BEGIN CERTIFICATE-----\nhalf")
    assert not certificates.reload_if_changed()
    assert "not usable" in caplog.text
    assert handshake(server, client(), "b.example").names == ("b.example",)
    _issue(trustme.CA(), folder / "a.example.pem", "a.example")
    assert certificates.reload_if_changed()


def test_it_waits_for_the_key_that_belongs_to_a_new_chain(tmp_path: Path) -> None:
    """Renewal replaces two files, one after the other."""
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"

    def put(name: str) -> tuple[bytes, bytes]:
        issued = trustme.CA().issue_cert(name)
        return issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes()

    for file, content in zip((chain, key), put("old.example"), strict=True):
        file.write_bytes(content)
    certificates = Certificates(chain, key, NAME)
    server = certificates.server_context()
    new_chain, new_key = put("new.example")
    chain.write_bytes(new_chain)
    assert not certificates.reload_if_changed()
    assert handshake(server, client(), None).names == ("old.example",)
    key.write_bytes(new_key)
    assert certificates.reload_if_changed()
    assert handshake(server, client(), None).names == ("new.example",)


def test_it_says_in_one_sentence_what_is_wrong(tmp_path: Path, tls_files: dict[str, Path]) -> None:
    with pytest.raises(CertificateError, match=r"no NAME\.pem"):
        Certificates(tmp_path, None, NAME)
    with pytest.raises(CertificateError, match=r"missing\.pem"):
        Certificates(tmp_path / "missing.pem", None, NAME)
    with pytest.raises(CertificateError, match="cannot be used"):
        Certificates(tls_files["cert"], tls_files["ca"], NAME)


def test_it_does_not_ask_for_a_passphrase(tmp_path: Path, tls_files: dict[str, Path]) -> None:
    from cryptography.hazmat.primitives import serialization as form

    key = form.load_pem_private_key(tls_files["key"].read_bytes(), None)
    locked = key.private_bytes(
        form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"secret")
    )
    (tmp_path / "key.pem").write_bytes(locked)
    with pytest.raises(CertificateError, match="passphrase"):
        Certificates(tls_files["cert"], tmp_path / "key.pem", NAME)


def test_it_makes_its_own_certificate_once(settings: Settings, tmp_path: Path) -> None:
    settings.MAILHOST_DATA, settings.MAIL_HOSTNAME = tmp_path, "host.example.test"
    settings.TLS_CERT = Path()
    assert tls.ensure_certificate()
    file = tls.self_signed_file()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    first = file.read_bytes()
    assert not tls.ensure_certificate()
    assert file.read_bytes() == first
    server = Certificates(file, None, "host.example.test").server_context()
    assert set(handshake(server, client(), None).names) == {"host.example.test", "localhost"}
    settings.MAIL_HOSTNAME = "renamed.example.test"
    assert tls.ensure_certificate()


def test_it_can_be_trusted_by_a_client_that_has_it(tmp_path: Path) -> None:
    selfsigned.make("host.example.test", tmp_path / "host.pem")
    server = Certificates(tmp_path / "host.pem", None, "").server_context()
    trusting = ssl.create_default_context(cafile=str(tmp_path / "host.pem"))
    assert handshake(server, trusting, "localhost").version == "TLSv1.3"


def test_it_loads_a_certificate_that_replaces_another_in_place(folder: Path) -> None:
    """A copy that keeps times and sizes is still noticed by its inode."""
    certificates = Certificates(folder, None, NAME)
    server = certificates.server_context()
    handshake(server, client(), "a.example")
    target = folder / "a.example.pem"
    known = target.stat()
    _issue(trustme.CA(), folder / ".coming", "z.example")
    shutil.copy(folder / ".coming", folder / ".other")
    os.utime(folder / ".other", ns=(known.st_atime_ns, known.st_mtime_ns))
    (folder / ".other").replace(target)
    assert certificates.reload_if_changed()
    assert handshake(server, client(), "a.example").names == ("z.example",)


@given(st.binary(max_size=300))
def test_it_reads_any_client_hello(raw: bytes) -> None:
    assert isinstance(offered_protocols(raw), tuple)


def test_it_reads_names_from_a_client_hello() -> None:
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = client(alpn=["imap", "h2"]).wrap_bio(to_client, to_server, server_hostname=NAME)
    with pytest.raises(ssl.SSLWantReadError):
        theirs.do_handshake()
    record = to_server.read()
    assert offered_protocols(record[5:]) == (b"imap", b"h2")
    for end in range(5, len(record)):
        offered_protocols(record[5:end])  # cut anywhere, it must not raise
