"""`manage.py quarantine`: for administrators, on any terminal, within one tenant if asked."""

import pytest

from apps.directory.models import Domain, User
from apps.mailqueue.services import EnvelopeRecipient
from apps.mailstore.models import Entry, JunkMark
from apps.provisioning import services as provisioning
from apps.scan.models import ListEntry, Quarantined
from apps.scan.services import digests
from apps.scan.services.digests import Every
from apps.scan.verdict import Verdict
from tests.provisioning.management.running import run
from tests.scan.services.test_quarantine import POLICY, VIRUS, claim, keep
from tests.support.mail import RAW, drain, local

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keep_connection")]


def hold(user: User, verdict: Verdict | None = None, raw: bytes = RAW) -> int:
    """The number of a copy that is kept."""
    (row,) = keep(claim(local(user), raw), verdict or Verdict((POLICY,)), raw=raw)
    return row.pk


def hold_for_nobody() -> int:
    """The same of one that was to be sent on for an address without a mailbox."""
    stranger = EnvelopeRecipient("list@elsewhere.test", "team@example.test", None)
    (row,) = keep(claim([stranger]), Verdict((POLICY,)))
    return row.pk


def numbers(*words: str) -> list[int]:
    done = run("quarantine", "list", *words)
    assert done.code == 0
    return [int(line.split("\t")[0]) for line in done.out.splitlines()]


def state(number: int) -> str:
    return Quarantined.objects.get(pk=number).state


def test_it_lists_within_a_user_a_domain_and_a_tenant(
    alice: User, bob: User, eve: User, other_domain: Domain
) -> None:
    provisioning.add_domain("third.test", organization="Third Ltd")
    third = provisioning.add_user("zoe@third.test", None)[0]
    mine, bobs, eves, zoes = hold(alice), hold(bob), hold(eve), hold(third)
    nobodys = hold_for_nobody()
    assert numbers() == [nobodys, zoes, eves, bobs, mine]
    assert numbers("--limit", "2") == [nobodys, zoes]
    assert numbers("--user", "Alice@example.test") == [mine]
    assert numbers("--domain", "example.test") == [nobodys, bobs, mine]
    assert numbers("--organization", "Third Ltd") == [zoes]
    unknown = run("quarantine", "list", "--organization", "Nobody Ltd")
    assert (unknown.code, unknown.out) == (1, "")
    assert "There is no organisation 'Nobody Ltd'" in unknown.err
    run("quarantine", "delete", str(mine))
    assert numbers("--user", "alice@example.test") == []
    assert numbers("--user", "alice@example.test", "--all") == [mine]
    (row,) = run("quarantine", "list", "--user", bob.address, "--json").json
    assert (row["number"], row["reason"], row["to"]) == (bobs, "attachment", "bob@example.test")
    assert run("quarantine", "list", "--user", "nobody@example.test").code == 1


def test_it_drives_no_terminal(alice: User) -> None:
    raw = RAW.replace(b"Quarterly figures", b"\xe2\x80\xaeexe \x1b[2J \xe2\x80\xa8\x07\tx")
    raw = raw.replace(b"\r\n\r\n", b"\r\nX-Odd: \x1b]0;x\x07\r\n\r\n")
    number = str(hold(alice, raw=raw))
    for words in (("list",), ("show", number), ("show", number, "--source")):
        out = run("quarantine", *words).out
        assert all(sign.isprintable() or sign in "\n\t" for sign in out)
        assert "exe" in out
    assert run("quarantine", "show", number, "--json").out.isascii()


def test_it_shows_why_one_is_here(alice: User) -> None:
    number = str(hold(alice))
    out = run("quarantine", "show", number).out
    assert "run.exe is a program (ATTACHMENT_FORBIDDEN)" in out
    assert "Subject: Quarterly figures" in out
    assert "The figures are attached." not in out
    assert "The figures are attached." in run("quarantine", "show", number, "--source").out
    run("quarantine", "release", number)
    out = run("quarantine", "show", number).out
    assert "released" in out
    assert "by command" in out
    assert "Subject:" not in out
    done = run("quarantine", "show", "999999")
    assert (done.code, done.err.strip()) == (
        1,
        "Error: Nothing in quarantine has the number 999999.",
    )


def test_it_releases_each_once(alice: User, bob: User) -> None:
    first, second = hold(alice), hold(bob)
    assert run("quarantine", "release", str(first), str(second)).out.strip() == "2 released."
    drain()
    assert Entry.objects.count() == 2
    assert JunkMark.objects.filter(judged="ham").count() == 2
    again = run("quarantine", "release", str(first), "999999")
    assert again.code == 1
    assert f"{first}: It is not in quarantine any more" in again.err
    drain()
    assert Entry.objects.count() == 2


def test_it_releases_a_virus_only_by_a_word_more(alice: User) -> None:
    virus, other = hold(alice, Verdict((VIRUS,))), hold(alice)
    done = run("quarantine", "release", str(virus), str(other))
    assert done.code == 1
    assert "It can do harm (CLAMD_VIRUS)" in done.err
    assert (state(virus), state(other)) == ("kept", "released")
    assert run("quarantine", "release", "--harmful", str(virus)).code == 0
    assert state(virus) == "released"
    assert JunkMark.objects.count() == 1


def test_it_releases_what_has_no_reader_here(domain: Domain) -> None:
    number = hold_for_nobody()
    assert run("quarantine", "block", str(number)).err.strip() == (
        f"Error: {number}: team@example.test has no mailbox here"
    )
    assert run("quarantine", "release", str(number)).code == 0
    assert state(number) == "released"


def test_it_blocks_and_deletes(alice: User) -> None:
    first, second = hold(alice), hold(alice)
    assert run("quarantine", "block", str(first)).code == 0
    assert run("quarantine", "delete", str(second)).code == 0
    assert (state(first), state(second)) == ("deleted", "deleted")
    assert ListEntry.objects.get().value == "carol@outside.invalid"
    assert run("quarantine", "delete", str(second)).code == 1


def test_it_sets_how_often_a_user_is_told(alice: User) -> None:
    usual = "alice@example.test gets digests: daily, as is usual here."
    assert run("quarantine", "digest", alice.address).out.strip() == usual
    done = run("quarantine", "digest", alice.address, "--every", "never", "--json")
    assert done.json == {"every": "never"}
    assert digests.every_of(alice.pk) is Every.NEVER
    assert run("quarantine", "digest", alice.address, "--every", "usual").out.strip() == usual


def test_it_sends_a_digest_at_once(alice: User) -> None:
    words = ("quarantine", "digest", alice.address, "--now")
    assert run(*words).out.strip() == "There is nothing to tell, or it was told today."
    hold(alice)
    assert run(*words, "--json").json == {"sent": True}
    hold(alice)
    assert run(*words, "--json").json == {"sent": False}
