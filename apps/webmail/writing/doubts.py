"""What a person may have forgotten before a letter goes: asked once, and never insisted on. Pure.

The words are those in which people say that something is attached, in the languages that we speak.
What is quoted says nothing of the letter.
"""

import re
from typing import Final

from django.utils.translation import gettext as _

from apps.webmail.writing.fields import FieldRefused

_LOOKED_AT: Final = 20_000  # characters of a letter
_ATTACHED: Final = re.compile(
    r"\b(?:attached|attaching|attachments?|enclosed|see the enclosure"
    r"|angehängt\w*|anhang|anhänge|anlage|anlagen|beigefügt\w*|anbei|im anhang"
    r"|вкладен\w*|додаю|додаток|додатку|додан\w*|прикріп\w*)\b",
    re.IGNORECASE,
)
_QUOTED: Final = re.compile(r"^\s*(?:>|-- $|_{5,}|-{5,})")


def ask(*, subject: str, text: str, has_files: bool) -> None:
    """Ask about what looks forgotten.

    Args:
        text: the words of the letter.

    Raises:
        FieldRefused: with `asks`; who says that they are sure is not asked again.
    """
    if not subject.strip():
        raise FieldRefused("subject", _("Send it without a subject?"), asks=True)
    if not has_files and speaks_of_files(text):
        words = _("You write of an attachment, but there is none. Send it anyway?")
        raise FieldRefused("text", words, asks=True)


def speaks_of_files(text: str) -> bool:
    """Whether the person's own words say that something comes with the letter."""
    own = []
    for line in text[:_LOOKED_AT].splitlines():
        if line.rstrip("\r\n") == "-- ":  # the signature (RFC 3676 section 4.3)
            break
        if not _QUOTED.match(line):
            own.append(line)
    return _ATTACHED.search("\n".join(own)) is not None
