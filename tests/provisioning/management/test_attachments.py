"""`manage.py attachments`, as an administrator types it."""

import os
from pathlib import Path

import pytest

from apps.directory.models import Domain
from tests.provisioning.management.running import run
from tests.scan.attachments.made import EICAR, PROGRAM, mail, zipped

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keep_connection")]


def test_it_sets_lists_and_unsets(domain: Domain) -> None:
    told = run("attachments", "set", "example.test", "ending", ".EXE", "allow")
    assert (told.code, told.out) == (0, "example.test: ending exe: allow.\n")
    assert run("attachments", "set", "server", "condition", "encrypted", "junk").code == 0
    assert run("attachments", "list").out.splitlines() == [
        "server\tcondition\tencrypted\tjunk",
        "example.test\tending\texe\tallow",
    ]
    told = run("attachments", "unset", "example.test", "ending", "exe", "--json")
    assert told.json == {"whose": "example.test", "what": "ending", "value": "exe"}
    assert [row["whose"] for row in run("attachments", "list", "--json").json] == ["server"]


def test_it_lists_what_is_usual() -> None:
    assert "usual\tgroup\tprogram\tquarantine" in run("attachments", "list", "--usual").out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("set", "nowhere.test", "ending", "exe", "allow"), "nowhere.test"),
        (("set", "server", "kind", "virus", "junk"), "is no kind; it is one of"),
        (("unset", "server", "ending", "exe"), "There is no entry ending exe"),
        (("look", "/nonexistent/file"), "cannot be read"),
    ],
)
def test_it_says_what_is_wrong_in_one_sentence(words: tuple[str, ...], error: str) -> None:
    told = run("attachments", *words)
    assert told.code == 1
    assert error in told.err
    assert told.err.count("\n") == 1


def test_it_looks_at_a_file_as_a_domain_would(domain: Domain, tmp_path: Path) -> None:
    file = tmp_path / "tools.zip"
    file.write_bytes(zipped({"a.exe": PROGRAM}))
    told = run("attachments", "look", str(file), "--domain", "example.test")
    assert told.out.splitlines() == [
        "ATTACHMENT_PROGRAM\t2.0\tnone\t“a.exe” in “tools.zip” is a program",
        "ATTACHMENT_FORBIDDEN\t0.0\tquarantine\t“a.exe” in “tools.zip” is kept in quarantine: "
        "the policy for group program",
    ]
    run("attachments", "set", "example.test", "group", "program", "allow")
    told = run("attachments", "look", str(file), "--domain", "example.test", "--json")
    assert [row["rule"] for row in told.json] == ["ATTACHMENT_PROGRAM"]


def test_it_looks_at_a_whole_message(tmp_path: Path) -> None:
    file = tmp_path / "message.eml"
    file.write_bytes(mail("a.zip", zipped({"eicar.com": EICAR})))
    told = run("attachments", "look", str(file))
    assert "VIRUS_EICAR\t20.0\trefuse\t“eicar.com” in “a.zip” is the EICAR test virus" in told.out


def test_it_looks_at_a_file_with_a_name_that_drives_a_terminal(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"a\xff\x1b[31m\xe2\x80\xae.exe")
    file.write_bytes(PROGRAM)
    told = run("attachments", "look", str(file))
    assert told.code == 0
    assert "is a program" in told.out
    assert all(line.replace("\t", "").isprintable() for line in told.out.splitlines())


def test_it_lists_no_words_that_drive_a_terminal(domain: Domain) -> None:
    assert run("attachments", "set", "example.test", "ending", "e\x1b[31mxe", "allow").code == 0
    assert run("attachments", "list").out == "example.test\tending\te?[31mxe\tallow\n"
