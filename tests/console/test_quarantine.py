"""The quarantine in the console: what is seen, and what is done, by whom."""

import re
from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditRecord
from apps.console import paging
from apps.console.models import BulkAct
from apps.console.quarantine import bulk as acts
from apps.console.quarantine import keptlist
from apps.console.quarantine.keptlist import Wanted
from apps.directory.models import Domain, Organization, Role, User
from apps.directory.permissions import powers_of
from apps.mailqueue.models import QueuedMessage
from apps.mailstore.models import Entry, JunkMark
from apps.provisioning import services as provisioning
from apps.scan.models import ListEntry, Quarantined, Reason, Verb
from apps.scan.scopes import Scope
from apps.scan.services import lists, quarantine
from apps.scan.verdict import Opinion, Verdict
from tests.console.conftest import PASSWORD, browser, holder
from tests.console.test_queue_acts import go_on
from tests.scan.services.test_quarantine import POLICY, VIRUS, claim, keep
from tests.support.mail import RAW, drain, local

LIST = "/admin/quarantine/"
WILD = "<script>alert(1)</script>\x1b[31m\u202egnp{{7*7}}%s"


@pytest.fixture
def brian(domain: Domain) -> User:
    """Somebody else of the domain."""
    return provisioning.add_user("brian@example.test", PASSWORD)[0]


def held(
    *users: User,
    subject: str = "Prize",
    author: str = "Win <win@lot.test>",
    verdict: Verdict | None = None,
    text: str = "You won.",
) -> Quarantined:
    raw = f"From: {author}\r\nSubject: {subject}\r\n\r\n{text}\r\n".encode()
    found = verdict or Verdict((POLICY,), {user.pk: Opinion(6.5) for user in users})
    return keep(claim(local(*users), raw), found, raw=raw)[-1]


def read(client: Client, query: str = "") -> str:
    answer = client.get(LIST + query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def act(client: Client, row: Quarantined, name: str, **more: str) -> tuple[int, str]:
    answer = client.post(f"{LIST}{row.pk}/act/", {"do": name, **more})
    page = client.get(answer.headers["Location"]) if answer.status_code == 302 else answer
    return answer.status_code, page.content.decode()


def bulk(client: Client, name: str, *rows: Quarantined, **more: str) -> str:
    form = {"act": name, "id": [str(row.pk) for row in rows], **more}
    return str(client.post(f"{LIST}bulk/", form, follow=True).content.decode())


def undo(client: Client, page: str) -> str:
    (found,) = re.findall(r'name="act" value="([0-9a-f-]{36})"', page)
    form = {"act": found, "next": LIST}
    return str(client.post("/admin/undo/", form, follow=True).content.decode())


def states() -> list[str]:
    return list(Quarantined.objects.order_by("pk").values_list("state", flat=True))


def done() -> list[str]:
    rows = AuditRecord.objects.filter(action__startswith="quarantine.").order_by("pk")
    return [row.action.removeprefix("quarantine.") for row in rows]


def test_nothing_may_be_kept(admin: User) -> None:
    page = read(browser(admin))
    assert "Nothing is kept" in page
    assert "Deleted after 30 days" in page


def test_what_is_kept_is_listed_with_its_reason(admin: User, alice: User) -> None:
    row = held(alice)
    page = read(browser(admin))
    assert f"{LIST}{row.pk}/" in page
    for words in ("Prize", "Win &lt;win@lot.test&gt;", "alice@example.test", "File type"):
        assert words in page
    assert "run.exe is a program" in page  # a name stays as it is written
    assert ">6.5<" in page
    assert "29 days" in page
    assert "1 message" in page
    assert done() == []


def test_filters(admin: User, alice: User, brian: User) -> None:
    client = browser(admin)
    held(alice, subject="One red fish")
    held(brian, subject="Two", author="Tom <tom@far.test>", verdict=Verdict((VIRUS,)))
    lies = replace(POLICY, rule="LINK_TEXT_LIES", points=9.0)
    held(brian, subject="Three", verdict=Verdict((lies,), {brian.pk: Opinion(16.0)}))
    answer = replace(POLICY, rule="ANSWER_TO_OURS")
    held(alice, subject="Four", verdict=Verdict((POLICY, answer)))
    gone = held(alice, subject="Five")
    quarantine.delete([gone.pk], by="link")

    def found(query: str) -> list[str]:
        page = read(client, query)
        return re.findall(r'class="link-strong[^>]*><bdi>([^<]*)</bdi>', page)

    assert found("") == ["Four", "Three", "Two", "One red fish"]
    assert found("?tab=virus") == ["Two"]
    assert found("?tab=phishing") == ["Three"]
    assert found("?tab=attachment") == ["Four", "One red fish"]
    assert found("?tab=spam") == []
    assert found("?text=fish+RED") == ["One red fish"]
    assert found("?text=tom%40far") == ["Two"]
    assert found("?text=brian%40example.test") == ["Three", "Two"]
    assert found("?text=%25") == found("?text=_") == []
    assert found("?rule=clamd_") == ["Two"]
    assert found("?points=high") == ["Three"]
    assert found("?points=middle") == []
    assert found("?likely=yes") == ["Four"]
    assert found("?state=deleted") == ["Five"]
    assert found("?domain=EXAMPLE.test&tab=virus") == ["Two"]
    assert found("?domain=other.test") == []
    assert len(found("?since=2026-01-01&until=2999-01-01")) == 4
    assert found("?until=2026-01-01") == []


@pytest.mark.parametrize(
    "query",
    [
        "?since=2026-13-45",
        "?since=2027-01-01&until=2026-01-01",
        "?after=-1",
        "?after=%00",
        "?after=" + "9" * 900,
        "?tab=x&state=y&points=z&likely=w",
        "?text=%00%ed%a0%80",
        "?text=" + "a+" * 150,
        "?rule=%00%00&domain=%F0%9F%98%80",
    ],
)
def test_wrong_questions_have_sensible_answers(admin: User, alice: User, query: str) -> None:
    held(alice)
    read(browser(admin), query)


def test_pages(admin: User, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE", 2)
    rows = [held(alice, subject=f"No {number}") for number in range(3)]
    client = browser(admin)
    first = read(client)
    assert "No 2" in first
    assert "No 0" not in first
    assert "2 of 3" in first
    second = read(client, f"?after={rows[1].pk}")
    assert "No 0" in second
    assert "No 2" not in second


def test_a_page_costs_the_same_statements_for_many(admin: User, alice: User, brian: User) -> None:
    client = browser(admin)
    held(alice)
    read(client)
    with CaptureQueriesContext(connection) as few:
        read(client)
    for number in range(30):
        held(alice, brian, subject=f"No {number}")
    with CaptureQueriesContext(connection) as many:
        read(client)
    assert len(many) <= len(few) + 1  # how many there are in all, as there is another page


def test_tenants_see_their_own_domains_with_what_stands_for_them(
    admin: User, alice: User, eve: User, domain: Domain
) -> None:
    provisioning.add_domain("alias.test", organization="A", alias_of="example.test")
    mine = held(alice)
    aliased = held(alice, subject="By another name")
    Quarantined.objects.filter(pk=aliased.pk).update(domain="alias.test")
    others = held(eve, subject="A secret of others")
    nobodys = held(alice, subject="Of a domain that left")
    Quarantined.objects.filter(pk=nobodys.pk).update(domain="")

    client = browser(admin)
    page = read(client)
    assert "By another name" in page
    assert "A secret of others" not in page
    assert "Of a domain that left" not in page
    assert client.get(f"{LIST}{mine.pk}/").status_code == 200
    missing = client.get(f"{LIST}999999/").content
    for row in (others, nobodys):
        for address in ("", "look/", "act/"):
            path = f"{LIST}{row.pk}/{address}"
            answer = client.post(path, {"do": "delete"}) if address else client.get(path)
            assert (answer.status_code, answer.content) == (404, missing)
        assert "Nothing was chosen" in bulk(client, "delete", row)
    bulk(client, "delete", everything="1")
    assert states() == ["deleted", "deleted", "kept", "kept"]


def test_operators_see_everything_and_helpdesks_nothing(
    operator: User, helpdesk: User, alice: User, eve: User
) -> None:
    held(alice, subject="One")
    row = held(eve, subject="Two")
    page = read(browser(operator))
    assert "One" in page
    assert "Two" in page
    client = browser(helpdesk)
    assert client.get(LIST).status_code == 404
    assert client.get(f"{LIST}{row.pk}/").status_code == 404
    assert client.post(f"{LIST}bulk/", {"act": "delete", "id": row.pk}).status_code == 404


def test_nobody_looks_into_mail_of_who_reaches_further(
    admin: User, domain: Domain, operator: User
) -> None:
    root = holder("boss@example.test", Role.DOMAIN_ADMIN, domain)
    above = holder("seller@example.test", Role.RESELLER, Organization.objects.get(name="A"))
    client = browser(admin)
    same, higher = held(root), held(above, text="the new password")
    assert client.post(f"{LIST}{same.pk}/look/").status_code == 200
    for name in ("release", "train", "delete", "block"):
        _, page = act(client, higher, name)
        assert "roles reach further" in page or "roles of a user in it reach further" in page
    answer = client.post(f"{LIST}{higher.pk}/look/")
    assert answer.status_code == 409
    assert "the new password" not in answer.content.decode()
    assert states() == ["kept", "kept"]
    assert done() == ["read"]


def test_a_look_is_an_act_of_its_own_and_recorded(admin: User, alice: User) -> None:
    row = held(alice, text="Dear Alice,\r\nsee http://thief.test/")
    client = browser(admin)
    page = client.get(f"{LIST}{row.pk}/").content.decode()
    assert "Opening this is recorded in the audit log." in page
    assert "Dear Alice" not in page
    assert client.get(f"{LIST}{row.pk}/look/").status_code == 405
    assert done() == []

    answer = client.post(f"{LIST}{row.pk}/look/")
    page = answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Dear Alice,\nsee http://thief.test/" in page
    assert 'href="http://thief.test' not in page
    assert "That you opened this is recorded" in page
    record = AuditRecord.objects.get(action="quarantine.read")
    assert (record.actor, record.subject) == ("admin@example.test", "alice@example.test")
    assert record.detail["number"] == row.pk


def test_what_cannot_be_read_says_so(admin: User, alice: User) -> None:
    row = held(alice)
    quarantine.delete([row.pk], by="link")
    answer = browser(admin).post(f"{LIST}{row.pk}/look/")
    assert answer.status_code == 409
    assert "not in quarantine any more: it was deleted" in answer.content.decode()
    assert done() == []


@pytest.mark.parametrize(("name", "learned"), [("train", ["ham"]), ("release", [])])
def test_it_is_released_with_and_without_training(
    admin: User, alice: User, name: str, learned: list[str]
) -> None:
    row = held(alice)
    client = browser(admin)
    assert "A release cannot be taken back" in client.get(f"{LIST}{row.pk}/").content.decode()
    status, page = act(client, row, name)
    assert status == 302
    assert "It is released" in page
    drain()
    assert Entry.objects.filter(mailbox__user=alice).count() == 1
    assert list(JunkMark.objects.values_list("judged", flat=True)) == learned
    assert done() == ["release"]
    status, page = act(client, row, name)
    assert status == 409
    assert "not in quarantine any more: it was released" in page
    assert done() == ["release"]


def test_many_are_released_after_a_question(admin: User, alice: User) -> None:
    one, two, virus = held(alice), held(alice), held(alice, verdict=Verdict((VIRUS,)))
    client = browser(admin)
    page = bulk(client, "train", one, two, virus)
    assert "This cannot be taken back." in page
    assert states() == ["kept", "kept", "kept"]
    page = bulk(client, "train", one, two, virus, sure="1")
    assert "2 messages are released" in page
    assert "1 not: It can do harm (CLAMD_VIRUS)." in page
    assert states() == ["released", "released", "kept"]
    assert not BulkAct.objects.exists()


def test_what_can_do_harm_takes_a_second_word(admin: User, alice: User) -> None:
    row = held(alice, verdict=Verdict((VIRUS,)))
    stale = browser(admin, proved=False)
    assert "/confirm" in stale.post(f"{LIST}{row.pk}/act/", {"do": "release"}).headers["Location"]
    client = browser(admin)
    status, page = act(client, row, "release")
    assert status == 200
    assert "Release what can do harm?" in page
    status, page = act(client, row, "release", sure="1")
    assert status == 422
    assert "Tick this to go on." in page
    assert states() == ["kept"]
    assert act(client, row, "train", sure="1", harmful="1")[0] == 302
    assert states() == ["released"]
    assert not JunkMark.objects.exists()


def test_a_deletion_is_taken_back_once(admin: User, alice: User) -> None:
    rows = [held(alice), held(alice)]
    client = browser(admin)
    page = bulk(client, "delete", *rows)
    assert "2 messages are deleted." in page
    assert states() == ["deleted", "deleted"]
    page = undo(client, page)
    assert "2 messages are in quarantine again." in page
    assert states() == ["kept", "kept"]
    assert done() == ["delete", "delete", "restore", "restore"]
    act(client, rows[0], "train")
    drain()
    assert Entry.objects.filter(mailbox__user=alice).count() == 1


def test_a_deletion_cannot_be_taken_back_for_ever(admin: User, alice: User) -> None:
    row = held(alice)
    client = browser(admin)
    _, page = act(client, row, "delete")
    Quarantined.objects.update(settled_at=1)
    quarantine.forget_deleted()
    assert "too late" in undo(client, page)
    assert states() == ["deleted"]


def test_a_sender_is_blocked_for_the_domain_and_let_in_again(
    admin: User, alice: User, domain: Domain
) -> None:
    rows = [held(alice), held(alice, subject="Again")]
    client = browser(admin)
    page = bulk(client, "block", *rows)
    assert "2 messages are deleted, and whoever sent it is blocked." in page
    entry = ListEntry.objects.get()
    assert (entry.verb, entry.value, entry.domain_id) == ("block", "win@lot.test", domain.pk)
    assert list(JunkMark.objects.values_list("judged", flat=True)) == ["spam", "spam"]
    assert states() == ["deleted", "deleted"]

    undo(client, page)
    assert not ListEntry.objects.exists()
    assert states() == ["kept", "kept"]
    said = JunkMark.objects.order_by("pk").values_list("judged", flat=True)
    assert list(said) == ["spam", "spam", "unspam", "unspam"]


def test_undoing_a_block_leaves_what_was_blocked_before(
    admin: User, alice: User, domain: Domain
) -> None:
    lists.add(Verb.BLOCK, "win@lot.test", Scope(domain_id=domain.pk))
    client = browser(admin)
    undo(client, bulk(client, "block", held(alice)))
    assert ListEntry.objects.get().value == "win@lot.test"
    assert states() == ["kept"]


def test_nobody_of_the_own_house_is_blocked(admin: User, alice: User) -> None:
    raw = b"From: boss@example.test\r\nSubject: Pay\r\n\r\nx\r\n"
    row = keep(claim(local(alice), raw), Verdict((POLICY,)), raw=raw)[0]
    Quarantined.objects.filter(pk=row.pk).update(sender="")
    client = browser(admin)
    assert "names no sender whom you could block" in bulk(client, "block", row)
    assert states() == ["kept"]
    assert not ListEntry.objects.exists()


def test_of_two_administrators_one_wins_and_the_other_is_told(
    admin: User, operator: User, alice: User
) -> None:
    row = held(alice)
    assert act(browser(operator), row, "train")[0] == 302
    page = bulk(browser(admin), "delete", row)
    assert "Nothing was chosen that is still kept" in page
    _, page = act(browser(admin), row, "delete")
    assert "1 not: It is not in quarantine any more: it was released." in page
    assert done() == ["release"]
    assert QueuedMessage.objects.filter(state="accepted").count() == 1


def test_tabs_say_nothing_of_what_was_not_counted(
    admin: User, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(alice, verdict=Verdict((VIRUS,)))
    for _ in range(3):
        held(alice)
    powers = powers_of(admin)
    plain = {tab.words: tab.count for tab in keptlist.tabs(powers, Wanted())}
    assert (plain["All"], plain["Attachments"], plain["Virus"]) == ("4", "3", "1")
    monkeypatch.setattr(keptlist, "COUNTED", 2)
    many = {tab.words: tab.count for tab in keptlist.tabs(powers, Wanted())}
    assert (many["All"], many["Attachments"], many["Virus"]) == ("2+", "2+", "")


def test_all_that_fit(admin: User, alice: User, brian: User) -> None:
    held(alice, subject="Keep me")
    for _ in range(3):
        held(brian, subject="Drop me")
    page = bulk(browser(admin), "delete", everything="1", text="drop")
    assert "3 messages are deleted." in page
    assert states() == ["kept", "deleted", "deleted", "deleted"]


@pytest.mark.parametrize("name", ["delete", "block", "release"])
def test_all_that_fit_a_portion_at_a_time(
    admin: User, brian: User, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(acts, "PORTION", 2)
    for _ in range(4):
        held(brian, subject="Drop me")
    danger = held(brian, subject="Drop me", verdict=Verdict((VIRUS,)))
    client = browser(admin)
    if name == "release":
        asked = bulk(client, name, everything="1", text="drop")
        assert "Release 5 messages?" in asked
    page = bulk(client, name, everything="1", text="drop", sure="1")
    for _ in range(2):
        assert "data-going" in page
        page = go_on(client, page)
    assert "data-going" not in page
    if name == "release":
        assert "4 messages are released" in page
        assert "1 not:" in page
        assert states() == ["released"] * 4 + ["kept"]
        return
    assert "5 messages are deleted" in page
    assert states() == ["deleted"] * 5
    page = undo(client, page)
    for _ in range(2):
        page = go_on(client, page)
    assert "The other 2 portions are back too." in page
    assert states() == ["kept"] * 5
    assert not ListEntry.objects.exists()
    assert Quarantined.objects.filter(pk=danger.pk, state="kept").exists()


def test_wrong_days_fit_nothing(admin: User, alice: User) -> None:
    held(alice)
    bulk(browser(admin), "delete", everything="1", since="2026-99-99")
    assert states() == ["kept"]


def test_unknown_acts_are_not_there(admin: User, alice: User) -> None:
    row = held(alice)
    client = browser(admin)
    assert client.post(f"{LIST}{row.pk}/act/", {"do": "explode"}).status_code == 404
    assert client.post(f"{LIST}bulk/", {"act": "explode", "id": row.pk}).status_code == 404
    assert client.post(f"{LIST}{2**63}/act/", {"do": "delete"}).status_code == 404
    assert states() == ["kept"]


def test_hostile_words_stand_there_as_text(admin: User, alice: User) -> None:
    row = held(alice, subject=WILD, author=f'"{WILD}" <x@y.test>', text=WILD)
    Quarantined.objects.update(words=WILD, rule="<b>X", sender=WILD, original=WILD)
    client = browser(admin)
    for page in (
        read(client),
        client.get(f"{LIST}{row.pk}/").content.decode(),
        client.post(f"{LIST}{row.pk}/look/").content.decode(),
    ):
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
        assert "\x1b" not in page
        assert "\u202e" not in page
        assert "<b>X" not in page


def test_every_reason_has_a_word(admin: User, alice: User) -> None:
    client = browser(admin)
    row = held(alice)
    for reason in Reason.values:
        Quarantined.objects.update(reason=reason)
        read(client)
        assert client.get(f"{LIST}{row.pk}/").status_code == 200


def test_why_it_is_here_and_who_is_told(admin: User, alice: User) -> None:
    row = held(alice)
    page = browser(admin).get(f"{LIST}{row.pk}/").content.decode()
    assert "Nothing is kept any more of what the filter found." in page
    assert "every day" in page


def test_the_digest_is_sent_once_a_day(admin: User, alice: User) -> None:
    row = held(alice)
    client = browser(admin)
    _, page = act(client, row, "digest")
    assert "The digest is on its way." in page
    drain()
    assert Entry.objects.filter(mailbox__user=alice).count() == 1
    _, page = act(client, row, "digest")
    assert "nothing to tell today that was not told" in page
    assert done() == ["tell"]


def test_what_nobody_of_ours_reads_has_no_digest(operator: User, alice: User) -> None:
    row = held(alice)
    Quarantined.objects.update(user=None)
    status, page = act(browser(operator), row, "digest")
    assert status == 409
    assert "has no mailbox here" in page
    assert browser(operator).post(f"{LIST}{row.pk}/look/").status_code == 200


def test_as_a_file(admin: User, alice: User, eve: User) -> None:
    held(alice, subject="=1+1")
    held(eve, subject="A secret")
    client = browser(admin)
    answer = client.get("/admin/export/?kind=quarantine&tab=attachment")
    text = b"".join(answer).decode("utf-8-sig")
    assert "alice@example.test" in text
    assert "'=1+1" in text
    assert "A secret" not in text


def test_the_bytes_are_those_of_users(admin: User, alice: User) -> None:
    (row,) = keep(claim(local(alice)), Verdict((POLICY,)))
    page = browser(admin).post(f"{LIST}{row.pk}/look/").content.decode()
    assert "Message-ID" in page
    assert RAW[-20:-2].decode() in page
