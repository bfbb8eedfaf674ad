"""The certificate: ended, about to end, for other names, unreadable."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from apps.provisioning.health import certificate
from apps.provisioning.health.checks import Check, State
from apps.runtime import selfsigned, tls
from tests.support.test_ca import Authority


def found(settings: Settings, file: Path) -> list[Check]:
    settings.TLS_CERT, settings.MAIL_HOSTNAME = file, "mail.example.test"
    return certificate.certificate()


def test_a_good_one(settings: Settings, tmp_path: Path) -> None:
    made = Authority(tmp_path).server("mail.example.test")

    checks = found(settings, made.chain)

    assert [check.state for check in checks] == [State.OK, State.OK]
    assert "days from now" in checks[0].words


def test_one_that_has_ended(settings: Settings, tmp_path: Path) -> None:
    made = Authority(tmp_path).server("mail.example.test", is_expired=True)

    check = found(settings, made.chain)[0]

    assert (check.state, check.words.startswith("It ended on")) == (State.BAD, True)
    assert "Renew" in check.advice


def test_one_that_has_not_begun(settings: Settings, tmp_path: Path) -> None:
    made = Authority(tmp_path).server("mail.example.test", is_early=True)

    assert found(settings, made.chain)[0].state is State.BAD


def test_one_that_ends_soon(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Authority(tmp_path).server("mail.example.test")
    for soon, last, state in ((31, 3, State.WARNING), (31, 31, State.BAD)):
        monkeypatch.setattr(certificate, "SOON_DAYS", soon)
        monkeypatch.setattr(certificate, "LAST_DAYS", last)
        assert found(settings, made.chain)[0].state is state


def test_one_for_other_names(settings: Settings, tmp_path: Path) -> None:
    made = Authority(tmp_path).server("www.example.test", "*.mail.example.test")

    check = found(settings, made.chain)[1]

    assert check.state is State.BAD
    assert "not for mail.example.test" in check.words


def test_our_own_is_said_to_be_that(settings: Settings, tmp_path: Path) -> None:
    settings.MAILHOST_DATA = tmp_path
    settings.MAIL_HOSTNAME = "mail.example.test"
    selfsigned.make("mail.example.test", tls.self_signed_file())

    first, second = found(settings, Path())

    assert (first.state, second.state) == (State.WARNING, State.OK)
    assert "TLS_CERT" in first.advice


@pytest.mark.parametrize("what", ["none", "rubbish", "empty folder"])
def test_what_cannot_be_read(settings: Settings, tmp_path: Path, what: str) -> None:
    file = tmp_path / "x.pem"
    if what == "rubbish":
        file.write_bytes(b"\x00-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    if what == "empty folder":
        file.mkdir()

    (check,) = found(settings, file)

    assert (check.state, bool(check.advice)) == (State.BAD, True)


def test_a_folder_shows_the_one_of_this_host(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "certs"
    folder.mkdir()
    authority = Authority(tmp_path)
    (folder / "a.example.test.pem").write_bytes(
        authority.server("a.example.test").chain.read_bytes()
    )
    (folder / "mail.example.test.pem").write_bytes(
        authority.server("mail.example.test").chain.read_bytes()
    )

    assert found(settings, folder)[1].state is State.OK


@pytest.mark.parametrize(
    ("pattern", "host", "does"),
    [
        ("mail.example.test", "mail.example.test", True),
        ("*.example.test", "mail.example.test", True),
        ("*.example.test", "a.mail.example.test", False),
        ("*.example.test", "example.test", False),
        ("*.test", "example.test", True),
        ("*", "localhost", False),
    ],
)
def test_what_a_name_covers(pattern: str, host: str, does: bool) -> None:
    assert certificate.covers(pattern, host) is does
