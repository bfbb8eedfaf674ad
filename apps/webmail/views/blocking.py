"""Block and allow senders, from a message of theirs; and take it back."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
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
from apps.webmail.acts import words
from apps.webmail.acts.form import wish_of
from apps.webmail.acts.steps import Listed
from apps.webmail.acts.wish import Done, Wish, perform
from apps.webmail.folders import Folder
from apps.webmail.views.acts import answer, facts_of, token_of
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
    folder, entry = _named(request)
    scope = Scope(user_id=person(request).pk)
    try:
        sender = _sender(entry, whole=request.POST.get("what") == "domain")
        if request.POST.get("undo") == "1":
            said = words.of_list(None, lists.remove(sender, scope).value)
            return answer(request, said, None, {})
        if verb is Verb.BLOCK:
            not_own(own(request), sender)
        added = lists.add(verb, sender, scope)
    except MailError as error:
        return _refused(request, error.reply.text)
    said = words.of_list(verb, added.value)
    done = Done()
    if verb is Verb.BLOCK and request.POST.get("junk") == "1":
        try:
            done = perform(scope.user_id or 0, _junk(folder, entry), origin(request))
        except MailError as error:  # they are blocked all the same
            said = f"{said} {error.reply.text}"
    # To block who was blocked already is nothing that could be taken back.
    listed = [] if added.replaced is verb else [Listed(added)]
    token = token_of(request, [*listed, *done.steps])
    # The page of a message that went to Junk is not there any more.
    to = reverse("mailbox", args=[folder.slug]) if done.gone else ""
    return answer(request, said, token, facts_of(done), to=to)


def _junk(folder: Folder, entry: ListRow) -> Wish:
    return wish_of(QueryDict(f"verb=junk&ref={folder.id}.{entry.uid}"))


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


def not_own(mine: Own, sender: str) -> None:
    """Raises NotPermitted for an address, or the domain, of the person."""
    key = sender.casefold()
    if key in mine or key in {take_apart(one)[1] for one in mine}:
        raise NotPermitted("own address", text=_("You cannot block yourself"))


def _refused(request: HttpRequest, text: str) -> HttpResponse:
    if not wants_page(request):
        return JsonResponse({"error": text}, status=422)
    messages.error(request, text)
    return redirect(nextpage.own_path(request.POST.get("next", "")) or "/mail/")
