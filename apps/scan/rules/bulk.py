"""Rules about mail that goes to many, that machines send, and that comes back. Pure.

To be bulk is no crime: these are gentle, but for the bounce of what nobody here sent.
"""

from typing import Final

from apps.scan.rules.book import Book
from apps.scan.rules.phrases import Family
from apps.scan.rules.seen import Seen

BOOK: Final = Book()


@BOOK.rule(
    "LIST_POST",
    -1.5,
    "a mailing list that is known here brings it, and a proof shows that the list did (List-Id and"
    " SPF, DKIM or ARC)",
    incoming=True,
)
def list_post(seen: Seen) -> str | None:
    if not seen.is_known_list or not (seen.letter.has("list-post") or seen.found.arc.instance):
        return None
    return f"the mailing list of {seen.list_domain} brings it"


@BOOK.rule(
    "BULK_WAY_OUT",
    -0.3,
    "it goes to many, with a proof of who sent it, and says how to leave (List-Unsubscribe)",
    incoming=True,
)
def way_out(seen: Seen) -> str | None:
    if not seen.is_proven or not seen.letter.has("list-unsubscribe"):
        return None
    return "it says how to get no more of it (List-Unsubscribe)"


@BOOK.rule("BULK_NO_WAY_OUT", 0.3, "it goes to many and does not say how to leave", incoming=True)
def no_way_out(seen: Seen) -> str | None:
    letter = seen.letter
    if (
        seen.list_domain
        or letter.has("list-unsubscribe")
        or letter.text_of("precedence").lower() != "bulk"
    ):
        return None
    if letter.has("auto-submitted") or seen.phrases.get(Family.WAY_OUT):
        return None
    return "it says that it goes to many (Precedence: bulk), and not how to get no more of it"


@BOOK.rule(
    "BULK_UNMARKED",
    0.3,
    "it speaks of unsubscribing, and nothing in its header says that it goes to many",
    incoming=True,
)
def unmarked(seen: Seen) -> str | None:
    if seen.is_bulk or not seen.phrases.get(Family.WAY_OUT) or seen.letter.replies_to:
        return None
    return f"it says {seen.quoted(Family.WAY_OUT)}, and has no List-Unsubscribe field"


@BOOK.rule(
    "AUTO_SUBMITTED",
    -0.2,
    "a machine sends it, and says so (Auto-Submitted, RFC 3834), with a proof of who that is",
    incoming=True,
)
def auto_submitted(seen: Seen) -> str | None:
    value = seen.letter.text_of("auto-submitted").lower()
    if not seen.is_proven or not value or value.startswith("no"):
        return None
    return "a machine sent it, and says so (Auto-Submitted)"


@BOOK.rule(
    "BOUNCE_OURS", -2.0, "it returns a message that a user of this server sent", incoming=True
)
def bounce_ours(seen: Seen) -> str | None:
    return "it returns what was sent from here" if seen.returned else None


@BOOK.rule(
    "BOUNCE_NOT_OURS",
    2.5,
    "it returns a message that nobody sent from here: somebody forged our address (backscatter)",
    incoming=True,
)
def bounce_not_ours(seen: Seen) -> str | None:
    return "it returns what was never sent from here" if seen.returned is False else None
