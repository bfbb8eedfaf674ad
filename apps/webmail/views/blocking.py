"""Block and allow senders, from a message of theirs; and take it back."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.directory.identities import Own
from apps.mailstore.queries import ListRow
from apps.mime.address import Address, AddressError, take_apart
from apps.scan.models import Verb
from apps.scan.scopes import Scope
from apps.scan.services import lists
from apps.ui.answers import wants_page
from apps.webmail import folders as boxes
from apps.webmail import nextpage
from apps.webmail.acts.form import wish_of
from apps.webmail.acts.wish import perform
from apps.webmail.folders import Folder
from apps.webmail.visitor import find_entry, origin, own, person
from apps.wire.errors import InvalidName, MailError, NotPermitted


@login_required
@require_POST
def block(request: HttpRequest) -> HttpResponse:
    """Block who sent a message (`ref`), or with `what=domain` all of that domain; `undo=1` takes
    the entry off; `junk=1` moves the message too."""
    return _list(request, Verb.BLOCK)


@login_required
@require_POST
def allow(request: HttpRequest) -> HttpResponse:
    """Allow them; an entry that allows counts only for mail that is proved to be theirs."""
    return _list(request, Verb.ALLOW)


def _list(request: HttpRequest, verb: Verb) -> HttpResponse:
    user = person(request)
    folder, entry = _named(request)
    scope = Scope(user_id=user.pk)
    try:
        sender = _sender(entry, whole=request.POST.get("what") == "domain")
        if request.POST.get("undo") == "1":
            said = _taken_off(lists.remove(sender, scope).value)
            return _answer(request, said)
        if verb is Verb.BLOCK:
            _not_own(own(request), sender)
        added = lists.add(verb, sender, scope)
        said = _blocked(added.value) if verb is Verb.BLOCK else _allowed(added.value)
        if verb is Verb.BLOCK and request.POST.get("junk") == "1":
            wish = wish_of(_junk(folder, entry))
            perform(user.pk, wish, origin(request))
    except MailError as error:
        return _answer(request, error.reply.text, status=422)
    return _answer(request, said)


def _junk(folder: Folder, entry: ListRow) -> QueryDict:
    fields = QueryDict(mutable=True)
    fields["verb"], fields["ref"] = "junk", f"{folder.id}.{entry.uid}"
    return fields


def _named(request: HttpRequest) -> tuple[Folder, ListRow]:
    """The message of `ref`; who reads in somebody else's mailbox does not block for themselves by
    what came to them."""
    box, _dot, uid = request.POST.get("ref", "").partition(".")
    if not (box.isascii() and box.isdigit() and uid.isascii() and uid.isdigit() and len(uid) < 11):
        raise Http404
    own = boxes.folders(person(request).pk)
    folder = next((one for one in own if str(one.id) == box), None)
    if folder is None:
        raise Http404
    return folder, find_entry(folder, int(uid))


def _sender(entry: ListRow, *, whole: bool) -> str:
    try:
        address = Address.parse(entry.sender_address)
    except AddressError:
        raise InvalidName(text=_("This message names no sender")) from None
    return address.domain if whole else str(address)


def _not_own(mine: Own, sender: str) -> None:
    key = sender.casefold()
    if key in mine or key in {take_apart(one)[1] for one in mine}:
        raise NotPermitted("own address", text=_("You cannot block yourself"))


def _blocked(value: str) -> str:
    return _("Mail from {sender} goes to Junk from now on.").replace("{sender}", value)


def _allowed(value: str) -> str:
    return _("Mail that is proved to be from {sender} stays out of Junk from now on.").replace(
        "{sender}", value
    )


def _taken_off(value: str) -> str:
    return _("Nothing is said of {sender} any more.").replace("{sender}", value)


def _answer(request: HttpRequest, text: str, *, status: int = 200) -> HttpResponse:
    if not wants_page(request):
        return JsonResponse({"error" if status >= 400 else "text": text}, status=status)
    (messages.success if status < 400 else messages.error)(request, text)
    return redirect(nextpage.own_path(request.POST.get("next", "")) or "/mail/")
