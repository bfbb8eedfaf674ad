"""What the forms of the list and of a message say, taken apart."""

import re

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.mailstore.services.keywords import is_keyword
from apps.webmail import minutes, refs
from apps.webmail.acts.verbs import VERBS
from apps.webmail.acts.wish import LABEL, STARRED, Wish
from apps.webmail.labels import is_label
from apps.wire.errors import Refused


def wish_of(form: QueryDict) -> Wish:
    """Read a form. A button of a row says all by itself (`one=star:12.345`), whatever is ticked;
    one of a menu says what it is for too (`verb=move:12`, `verb=label:Plans`).

    Raises:
        Refused: it says nothing that we know.
        LimitReached: it names too many messages.
    """
    verb, _colon, what = str(form.get("verb", "")).partition(":")
    ref = form.getlist("ref")
    if one := str(form.get("one", "")):
        verb, _colon, first = one.partition(":")
        ref, what = [first], ""
    everything = "" if one else str(form.get("all", ""))
    named = {} if everything else refs.parse(map(str, ref))
    if verb not in VERBS:
        raise Refused(f"verb {verb[:20]!r}", text=_("There is no such thing to do"))
    if not everything and not named:
        raise Refused("nothing named", text=_("Choose a message first"))
    is_of_many = everything == STARRED or everything.startswith(LABEL)
    if verb == "empty" and (not everything or is_of_many):
        raise Refused("nothing to empty", text=_("Choose a folder first"))
    return Wish(
        verb,
        named,
        everything,
        only_unread=form.get("only") == "unread",
        whole=form.get("whole") == "1" and verb != "empty",
        target=_number(what or str(form.get("target", ""))) if verb == "move" else None,
        until=_minute(what or str(form.get("until", ""))) if verb == "snooze" else 0,
        **_labels(verb, what or str(form.get("label", "")), str(form.get("new", ""))),
    )


def _number(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,17}", text, re.ASCII):
        raise Refused("no target", text=_("Choose a folder first"))
    return int(text)


def _minute(text: str) -> int:
    """Of the person's clock; 0 if none is chosen. Raises Refused."""
    if not text:
        return 0
    seconds = minutes.read(text, timezone.get_current_timezone())
    if seconds is None:
        raise Refused("no minute", text=_("This is no date and time"))
    return seconds


def _labels(verb: str, label: str, new: str) -> dict[str, str]:
    """The label that is put on or taken off, or the name of one that is to be made."""
    if verb not in ("label", "unlabel"):
        return {}
    if verb == "label" and not label and new.strip():
        return {"new_label": " ".join(new.split())}
    if not is_keyword(label) or not is_label(label):
        raise Refused("no label", text=_("Choose a label first"))
    return {"label": label}
