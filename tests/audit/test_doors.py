"""Every command that changes something leaves its record, one for an act, under the name of who ran
it, for those whose it is; and none of them tells a secret."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from django.core.management import call_command
from django.forms.models import model_to_dict
from django.test import Client
from django.test.utils import override_settings

from apps.audit.models import AuditRecord
from apps.directory.models import Domain, User
from apps.mailqueue.models import QueuedMessage
from apps.provisioning import services, tlspolicies
from apps.reception.services import greylisting
from apps.reception.services.greylisting import Note
from apps.remote.models import TlsMode, TlsOverride
from apps.runtime.ulid import ulid_text
from apps.scan.verdict import Verdict
from tests.provisioning.management.running import run
from tests.scan.services.test_quarantine import POLICY, claim, keep
from tests.support.mail import RAW, local

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keep_connection")]

PASSWORD: Final = "mighty-secret-horse-42"
Step = tuple[str, list[str], str]  # a command, what it records, of what


@pytest.fixture
def keep_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.core.management.base.connections.close_all", lambda: None)


@pytest.fixture(autouse=True)
def _olga() -> Iterator[None]:
    with override_settings(SUDO_USER="olga"):
        yield


def since(last: int) -> list[AuditRecord]:
    return list(AuditRecord.objects.filter(pk__gt=last).order_by("pk"))


def newest() -> int:
    return AuditRecord.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def play(steps: list[Step]) -> None:
    for words, actions, subject in steps:
        last = newest()
        done = run(*words.split(), stdin=f"{PASSWORD}\n")
        assert done.code == 0, (words, done.err)
        found = since(last)
        assert [one.action for one in found] == actions, words
        assert {one.subject for one in found} <= {subject}, words
        assert {(one.actor_kind, one.actor, one.door) for one in found} <= {
            ("command", "olga", "command")
        }


ALICE: Final = "alice@example.test"
USERS: Final[list[Step]] = [
    ("user add zoe@example.test --password-stdin", ["user.add"], "zoe@example.test"),
    ("user add yan@example.test --admin", ["user.add", "role.grant"], "yan@example.test"),
    ("user add olga@far.test --operator", ["user.add", "role.grant"], "olga@far.test"),
    ("user add room@example.test --kind resource", ["user.add"], "room@example.test"),
    (f"user set {ALICE} --name Alice --quota 5G", ["user.change"], ALICE),
    (f"user passwd {ALICE} --password-stdin", ["user.password"], ALICE),
    (f"user suspend {ALICE}", ["user.suspend"], ALICE),
    (f"user resume {ALICE}", ["user.resume"], ALICE),
    (f"user remove {ALICE}", ["user.remove"], ALICE),
    (f"user restore {ALICE}", ["user.restore"], ALICE),
    (f"apppassword add {ALICE} Phone", ["apppassword.add"], ALICE),
    (f"apppassword remove {ALICE} Phone", ["apppassword.remove"], ALICE),
    (f"apppassword remove {ALICE} --all", [], ALICE),
    (f"token issue {ALICE} Backup", ["token.issue"], ALICE),
    (f"token revoke {ALICE} --all", ["token.revoke"], ALICE),
    (f"delegation grant {ALICE} bob@example.test --send-as", ["delegation.grant"], ALICE),
    (f"delegation revoke {ALICE} bob@example.test", ["delegation.revoke"], ALICE),
    (f"share grant {ALICE} bob@example.test lrs", ["share.grant"], ALICE),
    (f"share revoke {ALICE} bob@example.test", ["share.revoke"], ALICE),
    (f"forward add {ALICE} a@far.test --agreed", ["forward.add"], ALICE),
    (f"forward remove {ALICE} a@far.test", ["forward.remove"], ALICE),
    (f"limit set {ALICE} --messages-per-hour 5", ["limit.set"], ALICE),
    (f"spam list block spam.test --user {ALICE}", ["spam.list"], ALICE),
    (f"spam list remove spam.test --user {ALICE}", ["spam.list"], ALICE),
    (f"spam threshold --junk 3 --user {ALICE}", ["spam.threshold"], ALICE),
    (f"spam forget --user {ALICE}", ["spam.forget"], ALICE),
    (f"quarantine digest {ALICE} --every weekly", ["quarantine.digest"], ALICE),
]
DOMAINS: Final[list[Step]] = [
    ("domain add third.test", ["domain.add"], "third.test"),
    ("domain set third.test --separator -", ["domain.change"], "third.test"),
    ("domain set third.test --greylisting on", ["domain.change"], "third.test"),
    ("domain suspend third.test", ["domain.suspend"], "third.test"),
    ("domain resume third.test", ["domain.resume"], "third.test"),
    ("dkim rotate third.test", ["dkim.rotate"], "third.test"),
    ("dkim activate third.test --force", ["dkim.activate"], "third.test"),
    ("dkim rotate third.test", ["dkim.rotate"], "third.test"),
    ("dkim discard third.test", ["dkim.discard"], "third.test"),
    ("dkim discard third.test", [], "third.test"),
    ("relay set third.test --check list", ["relay.set"], "third.test"),
    ("relay add third.test a b", ["relay.add"], "third.test"),
    ("relay remove third.test a", ["relay.remove"], "third.test"),
    ("relay replace third.test", ["relay.replace"], "third.test"),
    ("relay off third.test", ["relay.off"], "third.test"),
    ("limit set third.test --messages-per-day 5", ["limit.set"], "third.test"),
    ("attachments set third.test ending exe refuse", ["attachments.set"], "third.test"),
    ("attachments set third.test ending exe quarantine", ["attachments.set"], "third.test"),
    ("attachments unset third.test ending exe", ["attachments.unset"], "third.test"),
    ("spam threshold --filter off --domain third.test", ["spam.threshold"], "third.test"),
    ("alias add sales@third.test a@far.test", ["alias.add"], "sales@third.test"),
    ("group join sales@third.test b@far.test", ["alias.change"], "sales@third.test"),
    ("group leave sales@third.test a@far.test", ["alias.change"], "sales@third.test"),
    ("alias remove sales@third.test", ["alias.remove"], "sales@third.test"),
    ("domain remove third.test", ["domain.remove"], "third.test"),
]
SERVICE: Final[list[Step]] = [
    ("transport set --to far.test mx.far.test", ["transport.set"], "recipient far.test"),
    ("transport remove --to far.test", ["transport.remove"], "recipient far.test"),
    ("tls-policy set far.test encrypt", ["tlspolicy.set"], "far.test"),
    ("tls-policy remove far.test", ["tlspolicy.remove"], "far.test"),
    ("spam list allow far.test", ["spam.list"], "the server"),
    ("spam threshold --junk 4", ["spam.threshold"], "the server"),
    ("attachments set server ending exe quarantine", ["attachments.set"], "the server"),
    ("reseal", ["secrets.reseal"], ""),
    ("audit export", ["audit.export"], ""),
]


def test_what_is_done_to_users(alice: User, bob: User) -> None:
    play(USERS)


def test_what_is_done_to_domains(domain: Domain) -> None:

    play(DOMAINS)


def test_what_is_done_to_the_whole_service(domain: Domain) -> None:
    play(SERVICE)
    assert not AuditRecord.objects.filter(
        action__in=["transport.set", "tlspolicy.set", "spam.threshold"], domain_id__isnull=False
    ).exists()


def test_who_may_read_of_it_is_said(alice: User, domain: Domain) -> None:
    run("user", "suspend", ALICE)
    run("domain", "suspend", "example.test")
    user, home = since(0)[-2:]
    organization = domain.organization_id
    assert (user.user_id, user.domain_id, user.organization_id) == (
        *(alice.pk, domain.pk),
        organization,
    )
    assert (home.user_id, home.domain_id, home.organization_id) == (None, domain.pk, organization)


def test_a_domain_that_goes_with_all_that_is_in_it(alice: User, bob: User) -> None:
    last = newest()
    run("domain", "remove", "example.test", "--force")
    assert [(one.action, one.subject) for one in since(last)] == [
        ("domain.suspend", "example.test"),
        ("user.remove", ALICE),
        ("user.remove", "bob@example.test"),
        ("domain.remove", "example.test"),
    ]


@pytest.mark.parametrize(
    "words",
    [
        "user suspend nobody@example.test",
        "user add alice@example.test",
        "user set alice@example.test --name a\nb",
        "domain add example.test",
        "domain remove example.test",
        "alias add alice@example.test bob@example.test",
        "alias remove nobody@example.test",
        "apppassword remove alice@example.test Phone",
        "delegation revoke alice@example.test bob@example.test",
        "transport remove --all",
        "tls-policy remove far.test",
        "dkim erase example.test nothing",
        "share grant alice@example.test nobody@example.test lrs",
        "forward add alice@example.test alice@example.test --agreed",
        "quarantine release 4711",
        "greylist forget far.test",
        "spam list remove far.test",
        "spam points NOTHING 3",
    ],
)
def test_what_was_refused_is_not_recorded(words: str, alice: User, bob: User, eve: User) -> None:
    last = newest()
    done = run(*words.split(" "))
    assert done.code == 1, done
    assert since(last) == []


def test_what_is_done_to_held_mail(alice: User) -> None:
    rows = [keep(claim(local(alice), RAW), Verdict((POLICY,)), raw=RAW)[0] for _ in range(3)]
    last = newest()
    for verb, row in zip(("release", "delete", "block"), rows, strict=True):
        assert run("quarantine", verb, str(row.pk)).code == 0
    found = since(last)
    assert [one.action for one in found] == [
        "quarantine.release",
        "quarantine.delete",
        "quarantine.block",
    ]
    assert {(one.subject, one.user_id, one.domain_id) for one in found} == {
        (ALICE, alice.pk, alice.domain_id)
    }
    assert [one.detail["number"] for one in found] == [row.pk for row in rows]


def test_what_is_done_to_the_queue(alice: User) -> None:
    claim(local(alice), RAW)
    (message,) = QueuedMessage.objects.all()
    number = ulid_text(message.pk)
    last = newest()
    done = run("queue", "delete", number, app="delivery")
    found = since(last)
    if done.code == 0:  # it may be under way
        assert [(one.action, one.subject, one.actor) for one in found] == [
            ("queue.delete", f"the message {number}", "olga")
        ]
    else:
        assert found == []


def test_a_sender_that_is_forgotten(db: None) -> None:
    greylisting.note([Note("far.test", "a@far.test", ALICE, 1, 1)])
    last = newest()
    run("greylist", "forget", "far.test")
    assert [(one.action, one.subject) for one in since(last)] == [("greylist.forget", "far.test")]


def test_a_change_and_its_record_go_together(
    domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no room for a record")

    monkeypatch.setattr(tlspolicies, "record", broken)
    with pytest.raises(RuntimeError):
        tlspolicies.put(domain="far.test", mode=TlsMode.ENCRYPT)
    assert not TlsOverride.objects.exists()
    monkeypatch.setattr(services, "record", broken)
    with pytest.raises(RuntimeError):
        services.add_user(ALICE, PASSWORD)
    assert not User.objects.filter(key=ALICE).exists()


def test_a_backup_is_recorded_and_is_in_itself(transactional_db: None, tmp_path: Path) -> None:
    call_command("backup", str(tmp_path / "copy"), verbosity=0)
    (found,) = AuditRecord.objects.filter(action="backup.make")
    assert found.actor == "olga"
    assert found.subject == str(tmp_path / "copy")


def test_no_secret_is_ever_recorded(alice: User, bob: User) -> None:
    last = newest()
    secrets = [PASSWORD, services.make_setup_link() or ""]
    for words in (
        "user add xena@example.test",
        f"user passwd {ALICE}",
        "user add otto@far.test --operator",
        f"apppassword add {ALICE} Tablet",
        f"token issue {ALICE} Sync",
    ):
        told = run(*words.split(), "--json").json
        secrets.append(told.get("password") or told["token"])
    for words, _, _ in (*USERS, *DOMAINS):
        assert run(*words.split(), stdin=f"{PASSWORD}\n").code == 0
    done = run(
        *"transport set --to far.test mx.far.test --username us --password-stdin".split(),
        stdin=f"{PASSWORD}\n",
    )
    assert done.code == 0
    client = Client(REMOTE_ADDR="192.0.2.7")
    services.set_password(bob, PASSWORD)
    client.force_login(bob)
    fresh = f"{PASSWORD}-and-another"
    client.post("/settings/password/", {"old": PASSWORD, "new": fresh, "again": fresh})
    rows = [model_to_dict(one) | {"detail": one.detail} for one in since(last)]
    text = json.dumps(rows, default=str)
    assert len(rows) > 60
    assert len(secrets) == 7
    assert all(secrets)
    for secret in secrets:
        assert secret not in text
        assert secret.replace("-", "") not in text
    for user in User.objects.all():
        for value in (user.password, bytes(user.scram_stored_key).hex()):
            assert not value or value not in text
