"""Files of letters: they come in pieces, stay where they were when the connection is cut, and are
nobody else's."""

import json
import os
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.blobs.storage import backend
from apps.directory.models import User
from apps.runtime.ulid import new_ulid
from apps.webmail.models import Draft, DraftChunk, DraftFile, DraftState
from apps.webmail.services import draftfiles
from apps.wire.errors import MessageTooLarge, NotFound
from tests.webmail.test_pictures import png

pytestmark = pytest.mark.django_db

JSON = {"accept": "application/json"}


class Letter:
    """A letter of a person, as its page's script sends its files."""

    def __init__(self, browser: Client, draft: UUID | None = None) -> None:
        self.browser = browser
        self.id = draft or new_ulid()
        self.path = f"/mail/compose/{self.id}/files/"

    def begin(self, size: int, name: str = "a.pdf", **more: str) -> Any:
        fields = {"name": name, "size": str(size), "type": "application/pdf", **more}
        return self.browser.post(self.path, fields, headers=JSON)

    def send(self, url: str, at: int, octets: bytes, **more: Any) -> Any:
        return self.browser.post(
            f"{url}?at={at}", octets, content_type="application/octet-stream", headers=JSON, **more
        )

    def file(self, content: bytes, name: str = "a.pdf", piece: int = 1 << 20, **more: str) -> Any:
        """A whole file, as it is known then."""
        made = self.begin(len(content), name, **more).json()
        for at in range(0, len(content), piece):
            answer = self.send(made["url"], at, content[at : at + piece])
            assert answer.status_code == 200, answer.content
        return self.browser.get(made["url"], headers=JSON).json()

    def content(self, file: Any) -> Any:
        return self.browser.get(file["content"])


@pytest.fixture
def letter(reader: Client) -> Letter:
    return Letter(reader)


def objects() -> list[str]:
    """Keys of all objects of the store."""
    return [key for folder in range(256) for key, _at in backend().walk(f"{folder:02x}")]


def whole(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def error(response: Any) -> str:
    return str(json.loads(response.content)["error"])


def test_a_file_comes_in_pieces_and_is_what_it_was(letter: Letter, alice: User) -> None:
    content = bytes(range(256)) * 40
    begun = letter.begin(len(content), "plan.pdf").json()
    assert begun["received"] == 0
    assert begun["cid"] == ""
    draft = Draft.objects.get(id=letter.id)  # the first file made it
    assert (draft.user_id, draft.revision, draft.state) == (alice.pk, 0, DraftState.OPEN)
    assert letter.send(begun["url"], 0, content[:4000]).json() == {"received": 4000, "done": False}
    assert letter.send(begun["url"], 4000, content[4000:]).json() == {
        "received": len(content),
        "done": True,
    }
    shown = letter.browser.get(begun["content"])
    assert whole(shown) == content
    assert shown["Content-Disposition"] == 'attachment; filename="plan.pdf"'
    assert shown["Content-Type"] == "application/octet-stream"
    assert "sandbox" in shown["Content-Security-Policy"]
    assert shown["X-Content-Type-Options"] == "nosniff"


def test_who_was_cut_off_goes_on_where_it_was(letter: Letter) -> None:
    url = letter.begin(10).json()["url"]
    assert letter.send(url, 0, b"01234").status_code == 200
    # The answer was lost: the same piece once more, and one that leaves a gap.
    again = letter.send(url, 0, b"01234")
    assert (again.status_code, again.json()) == (409, {"received": 5})
    gap = letter.send(url, 7, b"789")
    assert (gap.status_code, gap.json()) == (409, {"received": 5})
    assert letter.browser.get(url, headers=JSON).json()["received"] == 5
    assert letter.send(url, 5, b"56789").json() == {"received": 10, "done": True}
    assert letter.send(url, 10, b"x").status_code == 400
    assert whole(letter.content(letter.browser.get(url).json())) == b"0123456789"


def test_of_two_pieces_at_once_one_is_kept(letter: Letter, alice: User) -> None:
    letter.begin(4)
    first, second = (
        draftfiles.find(user_id=alice.pk, draft_id=letter.id, file_id=DraftFile.objects.get().id)
        for _ in range(2)
    )
    assert draftfiles.receive(file=first, at=0, octets=b"ab").is_placed
    late = draftfiles.receive(file=second, at=0, octets=b"cd")
    assert late == (2, False, False)
    assert DraftChunk.objects.count() == 1


def test_a_piece_whose_commit_is_in_doubt_keeps_its_bytes(letter: Letter, alice: User) -> None:
    """The database has committed, and its answer was lost: the row is there, so the object must
    be."""
    letter.begin(100_000)
    file = draftfiles.find(user_id=alice.pk, draft_id=letter.id, file_id=DraftFile.objects.get().id)

    def lose(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        done = execute(sql, params, many, context)
        if sql.startswith("RELEASE SAVEPOINT"):
            raise OperationalError("the connection is lost")
        return done

    with pytest.raises(OperationalError), connection.execute_wrapper(lose), transaction.atomic():
        draftfiles.receive(file=file, at=0, octets=os.urandom(100_000))
    connection.needs_rollback = False  # the transaction around the test
    assert len(objects()) == 1


def test_a_piece_that_is_too_late_leaves_no_bytes(letter: Letter, alice: User) -> None:
    letter.begin(100_000)
    file = draftfiles.find(user_id=alice.pk, draft_id=letter.id, file_id=DraftFile.objects.get().id)
    DraftFile.objects.update(received=5)
    assert not draftfiles.receive(file=file, at=0, octets=os.urandom(90_000)).is_placed
    assert not objects()


def test_a_file_that_is_empty_is_here_at_once(letter: Letter) -> None:
    begun = letter.begin(0, "empty.txt").json()
    assert begun["received"] == begun["size"] == 0
    assert whole(letter.content(begun)) == b""


def test_a_file_is_not_shown_before_it_is_whole(letter: Letter) -> None:
    begun = letter.begin(4).json()
    letter.send(begun["url"], 0, b"ab")
    assert letter.content(begun).status_code == 404


def test_a_file_is_removed_with_its_pieces(letter: Letter) -> None:
    file = letter.file(b"abc")
    assert letter.browser.delete(file["url"], headers=JSON).status_code == 200
    assert letter.browser.delete(file["url"], headers=JSON).status_code == 404
    assert letter.browser.get(file["url"], headers=JSON).status_code == 404
    assert letter.send(file["url"], 3, b"d").status_code == 404
    assert not DraftFile.objects.exists()
    assert not DraftChunk.objects.exists()


def test_what_comes_for_a_file_that_was_removed_meanwhile(letter: Letter, alice: User) -> None:
    letter.begin(4)
    file = draftfiles.find(user_id=alice.pk, draft_id=letter.id, file_id=DraftFile.objects.get().id)
    draftfiles.remove(user_id=alice.pk, draft_id=letter.id, file_id=file.id)
    with pytest.raises(NotFound):
        draftfiles.receive(file=file, at=0, octets=b"ab")
    assert not DraftChunk.objects.exists()


def test_files_of_others_are_not_there(letter: Letter, bob: User, settings: Any) -> None:
    file = letter.file(b"secret")
    stranger = Client(headers={"host": "localhost"})
    stranger.force_login(bob)
    nowhere = f"/mail/compose/{uuid4()}/files/{uuid4()}/"
    for path in (file["url"], file["content"]):
        answers = [stranger.get(one, headers=JSON) for one in (path, nowhere)]
        assert [one.status_code for one in answers] == [404, 404]
        assert answers[0].content == answers[1].content or path == file["content"]
    theirs = Letter(stranger, letter.id)
    assert theirs.begin(3).status_code == 404
    assert theirs.send(file["url"], 6, b"more").status_code == 404
    assert stranger.delete(file["url"], headers=JSON).status_code == 404
    assert whole(letter.content(file)) == b"secret"
    # Nor does a letter of hers lend its address to a file of another letter.
    mine = Letter(stranger)
    mine.begin(1)
    mixed = f"{mine.path}{file['id']}/"
    assert stranger.get(mixed, headers=JSON).status_code == 404


def test_strangers_sign_in_first(letter: Letter) -> None:
    file = letter.file(b"x")
    stranger = Client(headers={"host": "localhost"})
    for answer in (
        stranger.post(letter.path, headers=JSON),
        stranger.get(file["url"], headers=JSON),
        stranger.get(file["content"], headers=JSON),
    ):
        assert answer.status_code == 401


@pytest.mark.parametrize("state", [DraftState.SENT, DraftState.SCHEDULED, DraftState.DISCARDED])
def test_a_letter_that_is_finished_takes_no_files(letter: Letter, state: str) -> None:
    file = letter.file(b"abc")
    Draft.objects.update(state=state)
    assert letter.begin(3).status_code == 410
    assert letter.send(file["url"], 3, b"d").status_code == 410
    assert letter.browser.delete(file["url"], headers=JSON).status_code == 410
    assert DraftFile.objects.count() == 1


class TestPictures:
    """Those that stand within the text."""

    def test_one_is_shown_as_what_it_is(self, letter: Letter) -> None:
        file = letter.file(png(), "a.png", type="image/jpeg", inline="1")
        assert file["cid"].endswith("@inline.invalid")
        assert file["type"] == "image/png"
        shown = letter.content(file)
        assert shown["Content-Type"] == "image/png"
        assert "Content-Disposition" not in shown
        assert "sandbox" in shown["Content-Security-Policy"]
        assert whole(shown) == png()

    def test_one_that_is_none_does_not_stay(self, letter: Letter) -> None:
        for content in (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", b"<html>"):
            begun = letter.begin(len(content), "a.png", type="image/png", inline="1").json()
            answer = letter.send(begun["url"], 0, content)
            assert answer.status_code == 400
            assert "no picture" in error(answer)
        assert not DraftFile.objects.exists()

    def test_other_files_cannot_stand_in_the_text(self, letter: Letter) -> None:
        answer = letter.begin(3, "a.html", type="text/html", inline="1")
        assert answer.status_code == 400
        assert "attach it instead" in error(answer)

    def test_an_attached_picture_is_a_download(self, letter: Letter) -> None:
        shown = letter.content(letter.file(png(), "a.png", type="image/png"))
        assert shown["Content-Disposition"] == 'attachment; filename="a.png"'
        assert shown["Content-Type"] == "application/octet-stream"


class TestLimits:
    """What is too much is refused before it comes, in words."""

    def test_all_files_of_a_letter_make_one_message(self, letter: Letter, settings: Any) -> None:
        settings.MESSAGE_SIZE_LIMIT = 1_000_000
        # A third more in the message, and the room that is left for the text.
        assert letter.begin(400_000).status_code == 200
        answer = letter.begin(400_000)
        assert answer.status_code == 413
        assert error(answer).startswith("All files of a message can have")
        assert letter.begin(10**14).status_code == 413
        assert letter.begin(200_000).status_code == 200

    def test_a_full_mailbox_has_no_room(self, letter: Letter, alice: User) -> None:
        User.objects.filter(pk=alice.pk).update(quota=100_000)
        answer = letter.begin(90_000)
        assert answer.status_code == 507
        assert "mailbox is full" in error(answer)
        assert letter.begin(10_000).status_code == 200

    def test_a_letter_has_so_many_files(self, letter: Letter, monkeypatch: Any) -> None:
        monkeypatch.setattr(draftfiles, "MOST", 2)
        assert [letter.begin(1).status_code for _ in range(3)] == [200, 200, 403]

    def test_letters_have_so_much_together(self, letter: Letter, settings: Any) -> None:
        settings.MESSAGE_SIZE_LIMIT = 100_000
        answers = [Letter(letter.browser).begin(20_000).status_code for _ in range(52)]
        assert answers == [200] * 50 + [403] * 2

    def test_no_more_comes_than_was_announced(self, letter: Letter) -> None:
        url = letter.begin(3).json()["url"]
        answer = letter.send(url, 0, b"abcd")
        assert answer.status_code == 400
        assert not DraftChunk.objects.exists()

    def test_a_piece_is_bounded(self, letter: Letter) -> None:
        url = letter.begin(5_000_000).json()["url"]
        assert letter.send(url, 0, bytes(draftfiles.PIECE)).status_code == 200
        assert letter.send(url, draftfiles.PIECE, bytes(draftfiles.PIECE + 1)).status_code == 413

    @pytest.mark.parametrize("size", ["", "-1", "1e9", "9" * 40, "٣", "1.5", "x"])
    def test_a_size_is_a_number(self, letter: Letter, size: str) -> None:
        answer = letter.browser.post(letter.path, {"name": "a", "size": size}, headers=JSON)
        assert answer.status_code == 400
        assert not Draft.objects.exists()

    def test_a_piece_is_octets(self, letter: Letter) -> None:
        url = letter.begin(3).json()["url"]
        assert letter.browser.post(f"{url}?at=0", {"a": "b"}, headers=JSON).status_code == 400
        assert letter.send(url, 0, b"").status_code == 400
        assert (
            letter.browser.post(url, b"abc", content_type="application/octet-stream").status_code
            == 400
        )


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a\r\nBcc: x@evil.test.pdf", "aBcc: x@evil.test.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.doc", "y.doc"),
        ("inv\u202egpj.exe", "invgpj.exe"),
        ("", "file"),
        ("\x00", "file"),
        ("<script>alert(1)</script>.txt", "script>.txt"),
    ],
)
def test_names_are_names(letter: Letter, name: str, kept: str) -> None:
    file = letter.file(b"x", name, type="text/html\r\nX-Evil: 1")
    assert (file["name"], file["type"]) == (kept, "application/octet-stream")
    header = letter.content(file)["Content-Disposition"]
    assert "\r" not in header
    assert header.startswith("attachment")


def test_files_of_a_form_are_attached(letter: Letter, alice: User) -> None:
    uploads = [
        SimpleUploadedFile("a.txt", b"a" * 3_000_000, "text/plain"),
        SimpleUploadedFile("b.txt", b"", "text/plain"),
    ]
    draftfiles.attach(user_id=alice.pk, draft_id=letter.id, uploads=uploads)
    first, second = DraftFile.objects.order_by("id")
    assert (first.name, first.received, second.received) == ("a.txt", 3_000_000, 0)
    assert b"".join(draftfiles.pieces(first)) == b"a" * 3_000_000


def test_all_files_of_a_form_or_none(letter: Letter, alice: User, settings: Any) -> None:
    settings.MESSAGE_SIZE_LIMIT = 200_000
    uploads = [SimpleUploadedFile("a", bytes(80_000)), SimpleUploadedFile("b", bytes(80_000))]
    with pytest.raises(MessageTooLarge):
        draftfiles.attach(user_id=alice.pk, draft_id=letter.id, uploads=uploads)
    assert not DraftFile.objects.exists()


def test_a_piece_costs_the_same_however_many_came_before(letter: Letter) -> None:
    url = letter.begin(100).json()["url"]
    counts = []
    for at in range(5):
        with CaptureQueriesContext(connection) as asked:
            assert letter.send(url, at, b"x").status_code == 200
        counts.append(len(asked))
    assert len(set(counts[1:])) == 1
    assert counts[-1] <= 14


@pytest.mark.django_db(transaction=True)
def test_who_reads_slowly_holds_no_connection_to_the_database(letter: Letter) -> None:
    response = letter.content(letter.file(b"abcdef", piece=2))
    got = []
    for piece in response.streaming_content:
        assert connection.connection is None
        got.append(piece)
    assert got == [b"ab", b"cd", b"ef"]
    assert connection.connection is None
