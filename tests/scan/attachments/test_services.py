"""The write door of policies."""

import pytest

from apps.directory.models import Domain, User
from apps.scan.attachments import queries
from apps.scan.attachments.policy import What
from apps.scan.services import attachments
from apps.wire.errors import InvalidName, LimitReached, NotFound

pytestmark = pytest.mark.django_db


def test_it_keeps_one_entry_for_one_thing(domain: Domain) -> None:
    for action in ("allow", "refuse"):
        attachments.set_entry(What.ENDING, ".EXE", action, domain=domain)
        attachments.set_entry(What.ENDING, "exe", action, domain=None)
    assert queries.entries({"example.test"}) == {
        "example.test": [["ending", "exe", "refuse"]],
        "": [["ending", "exe", "refuse"]],
    }


def test_it_tells_nobody_of_the_entries_of_others(domain: Domain, other_domain: Domain) -> None:
    attachments.set_entry(What.ENDING, "exe", "allow", domain=domain)
    assert queries.entries({"other.test"}) == {}
    assert queries.entries(set()) == {}


@pytest.mark.parametrize(
    ("what", "value", "kept"),
    [
        (What.ENDING, " .Tar ", "tar"),
        (What.TYPE, "Image/SVG+XML", "image/svg+xml"),
        (What.KIND, "ISO", "iso"),
        (What.GROUP, "script", "script"),
        (What.CONDITION, "encrypted", "encrypted"),
    ],
)
def test_it_keeps_values_in_one_form(what: What, value: str, kept: str) -> None:
    assert attachments.set_entry(what, value, "junk", domain=None) == kept
    assert attachments.remove_entry(what, value, domain=None) == kept
    assert queries.entries({"x"}) == {}


@pytest.mark.parametrize(
    ("what", "value", "action"),
    [
        (What.ENDING, "", "junk"),
        (What.ENDING, "tar.gz", "junk"),
        (What.ENDING, "a/b", "junk"),
        (What.ENDING, "x" * 25, "junk"),
        (What.TYPE, "image", "junk"),
        (What.TYPE, "image/*", "junk"),
        (What.KIND, "virus", "junk"),
        (What.GROUP, "programs", "junk"),
        (What.CONDITION, "odd", "junk"),
        (What.ENDING, "exe", "delete"),
    ],
)
def test_it_takes_nothing_that_would_never_count(what: What, value: str, action: str) -> None:
    with pytest.raises(InvalidName):
        attachments.set_entry(what, value, action, domain=None)


def test_it_says_what_there_is_when_a_name_is_wrong() -> None:
    with pytest.raises(InvalidName) as raised:
        attachments.set_entry(What.CONDITION, "odd", "junk", domain=None)
    assert "encrypted" in raised.value.reply.text


def test_it_takes_back_only_what_was_said(domain: Domain) -> None:
    attachments.set_entry(What.ENDING, "exe", "allow", domain=None)
    with pytest.raises(NotFound):
        attachments.remove_entry(What.ENDING, "exe", domain=domain)


def test_it_has_a_limit(domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "MOST", 2)
    for ending in ("a", "b"):
        attachments.set_entry(What.ENDING, ending, "junk", domain=domain)
    with pytest.raises(LimitReached):
        attachments.set_entry(What.ENDING, "c", "junk", domain=domain)
    attachments.set_entry(What.ENDING, "a", "allow", domain=domain)
    attachments.set_entry(What.ENDING, "c", "junk", domain=None)


def test_it_forgets_the_entries_of_a_domain_that_goes(domain: Domain) -> None:
    attachments.set_entry(What.ENDING, "exe", "allow", domain=domain)
    User.objects.filter(domain=domain).delete()
    domain.delete()
    assert list(queries.listed()) == []
