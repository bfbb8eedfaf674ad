"""The event stream beside Django (`apps.ui.beside`): what remains of an open page is a task that
waits."""

from dataclasses import dataclass
from typing import Final

from apps.ui.beside import Answer, App, Receive, Scope, Send, keep, line_of
from apps.webmail.live.hub import hub
from apps.webmail.live.standing import Visit
from apps.webmail.live.stream import Stream

PATH: Final = "/mail/events/"
TICKET: Final = "mailhost.live"  # in the scope of a request
_LONGEST_MARK: Final = 64
_FULL: Final = b"Too many pages are open. This one asks again now and then."


@dataclass(slots=True)
class Ticket:
    """Where the view writes down whom it has let in."""

    visit: Visit | None = None


def beside(django: App) -> App:
    """An application that keeps event streams itself and leaves all else to Django."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET":
            await _page(django, scope, receive, send)
        else:
            await django(scope, receive, send)

    return application


async def _page(django: App, scope: Scope, receive: Receive, send: Send) -> None:
    ticket, answer = Ticket(), Answer()
    await django({**scope, TICKET: ticket}, answer.receive, answer.send)
    if ticket.visit is None or answer.status != 200:
        await answer.pass_on(send)
        return
    line = line_of(scope)
    stream = Stream(ticket.visit, _mark(scope))
    if line is not None and not line.signed_in(ticket.visit.user_id):
        await answer.refuse(send, _FULL)
        return
    if not hub().open(stream):
        await answer.refuse(send, _FULL)
        return
    try:
        await keep(stream.frames(), stream.end, line, answer, receive, send)
    finally:
        hub().close(stream)


def _mark(scope: Scope) -> str:
    """What the page was told last, in its own words: it is compared and no more."""
    for name, value in scope["headers"]:
        if name == b"last-event-id":
            text: str = value.decode("latin-1")
            return text if len(text) <= _LONGEST_MARK else ""
    return ""
