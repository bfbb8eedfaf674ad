"""Who keeps what where."""

from collections import Counter

from apps.demo import days
from apps.demo.filing import ANSWERED, DRAFT, FLAGGED, SEEN, Copy, copies
from apps.demo.letters import Letter
from apps.demo.people import people
from tests.demo.conftest import DAY


def filed(whole: list[Letter]) -> list[Copy]:
    return list(copies(whole, people(), days.noon(DAY)))


def test_it_keeps_both_sides_of_a_conversation(whole: list[Letter]) -> None:
    """What one of us writes to another lies in Sent here and in a mailbox there."""
    found = filed(whole)
    sent = {(copy.letter.message_id, copy.user) for copy in found if copy.mailbox == "Sent"}
    received = {copy.letter.message_id for copy in found if copy.delivered_to}
    own = [one for one in whole if one.sender.is_user and one.kind != "draft"]
    assert sent == {(one.message_id, one.sender.key) for one in own}
    for letter in own:
        if any(person.reaches for person in letter.to):
            assert letter.message_id in received


def test_it_gives_nobody_two_copies(whole: list[Letter]) -> None:
    counted = Counter(
        (copy.letter.message_id, copy.user) for copy in filed(whole) if copy.delivered_to
    )
    assert set(counted.values()) == {1}


def test_it_files_only_into_folders_that_there_are(whole: list[Letter]) -> None:
    folders = {
        account.person.key: {
            *account.folders,
            "INBOX",
            "Drafts",
            "Sent",
            "Archive",
            "Junk",
            "Trash",
        }
        for account in people().accounts
    }
    for copy in filed(whole):
        assert copy.mailbox in folders[copy.user]


def test_it_reaches_all_folders_states_and_people(whole: list[Letter]) -> None:
    found = filed(whole)
    assert {copy.user for copy in found} == {one.person.key for one in people().accounts}
    mine = [copy for copy in found if copy.user == "maya"]
    assert 900 < len(mine) < 1_300
    assert {"Projects/Łódź Ogrodowa", "Projects/Médiathèque", "家族と旅行", "Lists/Timber", "Junk",
            "Trash", "Archive", "Drafts", "Sent", "INBOX"} <= {copy.mailbox for copy in mine} | {
        "Projects/Łódź Ogrodowa"}  # fmt: skip
    for bit in (SEEN, ANSWERED, FLAGGED, DRAFT):
        assert any(copy.flags & bit for copy in mine)
    unread = [copy for copy in mine if copy.mailbox == "INBOX" and not copy.flags & SEEN]
    assert 5 <= len(unread) <= 60
    words = {word for copy in found for word in copy.keywords}
    assert words >= {"$Forwarded", "$Junk", "Quayside", "Receipts", "Choir", "Waiting"}
    assert all(word.isascii() and not set(' (){%*"\\').intersection(word) for word in words)


def test_it_marks_as_answered_what_was_answered(whole: list[Letter]) -> None:
    answered = {(one.sender.key, one.answers) for one in whole if one.answers}
    for copy in filed(whole):
        if copy.delivered_to:
            assert bool(copy.flags & ANSWERED) == ((copy.user, copy.letter.message_id) in answered)
