"""Letters: sent, scheduled, called back; and what became of them."""

from collections.abc import Mapping
from typing import IO, Any, Final
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import large
from apps.api.bodies import JsonBody, parsed, read_all
from apps.api.doors import Door
from apps.api.mailboxes.doors import origin_of
from apps.api.operations import Gives, Lists, Sends, SendsText, operation
from apps.api.pages import page
from apps.api.problems import Fault, Wrong, about
from apps.api.raw import MESSAGE, RawBody, message_of
from apps.api.submissions import composing
from apps.api.submissions.forms import (
    LetterForm,
    RawSought,
    SubmissionChange,
    SubmissionShown,
    SubmissionsSought,
)
from apps.api.submissions.shown import EXAMPLE, TAG, shown
from apps.delivery import posting, recall, submission
from apps.delivery.posting import Ready, TooLate
from apps.delivery.submission import HeaderRefused
from apps.mime.address import Address
from apps.mime.composing.people import people
from apps.mime.headers import scan
from apps.runtime.clock import now_us
from apps.runtime.keyset import Column, Order
from apps.runtime.ulid import ulid_text
from apps.trace.models import Sent
from apps.wire.errors import NotFound, SenderNotAllowed

ORDER: Final = Order(Column("trace_id", UUID, falls=True))
_API: Final = "api"
_LETTER: Final = {
    "to": ["Carol Clark <carol@example.com>"],
    "subject": "Figures",
    "text": "The figures are attached.",
    "attachments": [
        {"name": "figures.csv", "media_type": "text/csv", "content": "cTMsNDIK"},
    ],
}
_RAW: Final = (
    "From: ann@example.org\r\nTo: carol@example.com\r\nSubject: Figures\r\n\r\nAll is well.\r\n"
)
_WAITING: Final = {**EXAMPLE, "state": "waiting"}


class LetterBody(JsonBody):
    """An object of JSON with files in it, which are written in base64."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The object; raises ParseError, TooLarge."""
        most = large.most("POST", "/api/v1/submissions")
        return parsed(read_all(stream, most, parser_context))


class _Posting(Door):
    """Base of what hands letters in: made ready before any transaction."""

    resource = "send"
    is_administrators = False
    _letter: Ready
    _is_posted = False
    _keeps_copy = True

    def _post(self) -> Response:
        self._is_posted = True
        posting.post(self._letter, origin=origin_of(self), keeps_copy=self._keeps_copy)
        (made,) = shown(list(Sent.objects.filter(pk=self._letter.id)))
        return self.made(made, reverse("api-submission", args=[self._letter.id]))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """DRF's; a letter that was not posted (it was before, under the same key) goes again."""
        letter = getattr(self, "_letter", None)
        if letter is not None and not self._is_posted:
            posting.discard(letter)
            self._is_posted = True
        return super().finalize_response(request, response, *args, **kwargs)


class Submissions(_Posting):
    """All of them."""

    parser_classes = (LetterBody,)

    @operation(
        "submissions_list",
        "List the letters that you have sent, by whatever way, the latest first",
        tag=TAG,
        seeks=SubmissionsSought,
        gives=Lists(SubmissionShown, EXAMPLE),
    )
    def get(self, request: Request) -> Response:
        sought = self.sought(SubmissionsSought)
        found = Sent.objects.filter(user_id=self.user.pk)
        if "message_id" in sought:
            found = found.filter(message_id=sought["message_id"])
        return page(request, sought, found, ORDER, shown)

    @operation(
        "submissions_create",
        "Send a letter",
        tag=TAG,
        more="Under an Idempotency-Key it is sent once, however often the request comes. With"
        " `send_at` it waits, and can be called back until then.",
        sends=Sends(LetterForm, _LETTER),
        gives=Gives(SubmissionShown, _WAITING, status=201),
    )
    def post(self, request: Request) -> Response:
        return self._post()

    def ahead(self) -> None:
        """Put the letter together."""
        asked = self.asked(LetterForm).validated_data
        user = self.user
        author, lists = composing.sender(asked, user), composing.lists(asked)
        until = composing.until_us(asked.get("send_at"), "/send_at")
        to = composing.recipients(composing.places(lists), "/to")
        raw = composing.octets(asked, author, lists, until or now_us())
        self._keeps_copy = asked["keeps_copy"]
        with about("/sender", SenderNotAllowed):
            self._letter = posting.ready(
                raw, user=user, sender=author[1], recipients=to, door=_API, until_us=until
            )


class RawSubmissions(_Posting):
    """Messages that are sent as they are."""

    parser_classes = (RawBody,)

    @operation(
        "submissions_raw_create",
        "Send a message as it is (RFC 5322)",
        tag=TAG,
        more="Date and Message-ID are added where they are missing, Bcc is not shown to others.",
        seeks=RawSought,
        sends=SendsText(MESSAGE, _RAW),
        gives=Gives(SubmissionShown, _WAITING, status=201),
    )
    def post(self, request: Request) -> Response:
        return self._post()

    def ahead(self) -> None:
        """Read the message, and whom it goes to."""
        sought, user = self.sought(RawSought), self.user
        raw = message_of(self.request)
        if b"\r" in raw.replace(b"\r\n", b""):
            raise Wrong(Fault("", "invalid", "A line ends in CR LF: there is a CR alone"))
        until = composing.until_us(sought.get("send_at"), "?send_at")
        author = _author(raw, sought, Address.parse(user.address))
        to = composing.recipients(_written(raw, sought), "?to")
        self._keeps_copy = sought["keeps_copy"]
        with about("?sender" if "sender" in sought else "", SenderNotAllowed):
            self._letter = posting.ready(
                raw, user=user, sender=author, recipients=to, door=_API, until_us=until
            )


def _author(raw: bytes, sought: Mapping[str, Any], own: Address) -> Address:
    """The envelope sender. Raises Wrong."""
    if "sender" in sought:
        return composing.someone(sought["sender"], "?sender")[1]
    try:
        authors = submission.read(raw).authors
    except HeaderRefused as error:
        raise Wrong(Fault("", "header_refused", error.reply.text)) from None
    return authors[0] if authors else own


def _written(raw: bytes, sought: Mapping[str, Any]) -> composing.Places:
    """Whom a message is written to. Raises Wrong."""
    if "to" in sought:
        text, pointer = sought["to"], "?to"
    else:
        block = scan(raw)
        fields = [value for name in (b"to", b"cc", b"bcc") for value in block.all(name)]
        text, pointer = b"\n".join(fields).decode("utf-8", "replace"), ""
    read = people(text)
    if read.odd:
        words = f"This is no mail address: {', '.join(read.odd[:3])}"
        raise Wrong(Fault(pointer, "invalid_address", words))
    return {address: pointer for _, address in read.found}


class OneSubmission(Door):
    """One of them."""

    resource = "send"
    is_administrators = False

    @operation(
        "submissions_show",
        "Show what became of a letter, recipient by recipient",
        tag=TAG,
        gives=Gives(SubmissionShown, EXAMPLE),
    )
    def get(self, request: Request, submission_id: UUID) -> Response:
        return self.shown(self._one(submission_id))

    @operation(
        "submissions_change",
        "Have a letter that waits leave at another time, or now",
        tag=TAG,
        sends=Sends(SubmissionChange, {"send_at": None}),
        gives=Gives(SubmissionShown, _WAITING),
    )
    def patch(self, request: Request, submission_id: UUID) -> Response:
        asked = self.asked(SubmissionChange).validated_data
        self._one(submission_id)
        until = composing.until_us(asked["send_at"], "/send_at")
        user = self.user
        with transaction.atomic():
            posting.own(submission_id, user)
            if until:
                is_done = recall.reschedule(submission_id, until, user.pk)
            else:
                is_done = recall.send_now(submission_id, user.pk)
        if not is_done:
            raise TooLate(f"{submission_id}", text="It waits no more: it is on its way")
        return self.shown(self._one(submission_id))

    @operation(
        "submissions_cancel",
        "Call a letter back of which nothing has left",
        tag=TAG,
        more="Its copy goes from the mailbox for sent mail, too.",
    )
    def delete(self, request: Request, submission_id: UUID) -> Response:
        self._one(submission_id)
        posting.call_back(submission_id, self.user, origin=origin_of(self))
        return self.gone()

    def _one(self, submission_id: UUID) -> dict[str, Any]:
        found = shown(list(Sent.objects.filter(pk=submission_id, user_id=self.user.pk)))
        if not found:
            name = ulid_text(submission_id)
            raise NotFound(f"letter {name}", text="There is no such letter of yours")
        return found[0]
