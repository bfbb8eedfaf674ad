"""Lists of senders: the last word counts, and no list grows without end."""

import pytest

from apps.directory.models import Domain, User
from apps.provisioning import services as provisioning
from apps.scan.models import ListEntry, Threshold, Verb
from apps.scan.scopes import SERVER, Scope
from apps.scan.services import lists, thresholds
from apps.scan.services.thresholds import Change
from apps.wire.errors import InvalidName, LimitReached, NotFound

pytestmark = pytest.mark.django_db


def test_it_adds_an_entry_once(domain: Domain, alice: User) -> None:
    mine, ours = Scope(user_id=alice.pk), Scope(domain_id=domain.pk)
    for scope in (SERVER, ours, mine, mine):
        lists.add(Verb.BLOCK, "Friend@Friend.test", scope, note="too friendly")
    rows = ListEntry.objects.order_by("domain", "user").values_list("domain", "user", "value")
    assert set(rows) == {
        (None, None, "friend@friend.test"),
        (domain.pk, None, "friend@friend.test"),
        (None, alice.pk, "friend@friend.test"),
    }
    assert rows.count() == 3


def test_the_last_word_counts() -> None:
    assert lists.add(Verb.BLOCK, "friend.test", SERVER).replaced is None
    assert lists.add(Verb.ALLOW, "@friend.test", SERVER).replaced is Verb.BLOCK
    assert ListEntry.objects.get().verb == Verb.ALLOW


def test_it_removes_an_entry(alice: User) -> None:
    lists.block_sender(alice.pk, "friend@friend.test")
    lists.block_sender(alice.pk, "friend@friend.test")
    with pytest.raises(NotFound):
        lists.remove("friend@friend.test", SERVER)
    assert lists.remove("FRIEND@friend.test", Scope(user_id=alice.pk)).verb is Verb.BLOCK
    assert not ListEntry.objects.exists()


def test_it_refuses_what_is_no_sender() -> None:
    with pytest.raises(InvalidName):
        lists.add(Verb.ALLOW, "not a name", SERVER)


def test_a_full_list_takes_no_more(monkeypatch: pytest.MonkeyPatch, alice: User) -> None:
    monkeypatch.setattr(lists, "MOST_OF_USER", 1)
    lists.block_sender(alice.pk, "a@friend.test")
    lists.add(Verb.ALLOW, "a@friend.test", Scope(user_id=alice.pk))
    with pytest.raises(LimitReached):
        lists.block_sender(alice.pk, "b@friend.test")
    lists.add(Verb.ALLOW, "b@friend.test", SERVER)


def test_entries_go_with_those_they_are_for(domain: Domain, alice: User) -> None:
    lists.block_sender(alice.pk, "a@friend.test")
    alice.delete()
    assert not ListEntry.objects.exists()


def test_a_domain_can_be_removed_with_its_lists(domain: Domain, alice: User) -> None:
    lists.add(Verb.BLOCK, "friend.test", Scope(domain_id=domain.pk))
    lists.block_sender(alice.pk, "a@friend.test")
    thresholds.change(Scope(domain_id=domain.pk), Change(junk=4))
    provisioning.remove_domain("example.test", force=True)
    assert not Threshold.objects.exists()
    # A removed user may be restored, with what the user wanted.
    assert [row.value for row in ListEntry.objects.all()] == ["a@friend.test"]
