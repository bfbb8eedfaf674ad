"""The requests that may be larger than others: a letter with its files, from a page without script,
an address book, a file that an administrator imports, and what programs send in bulk.

Their sender is asked for before the body is taken: who is not signed in fills no disk. Pages with
script send files in pieces, which need none of this.
"""

import re
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError

from apps.accounts.sessions import SessionStore
from apps.api import large
from apps.api.authentication import SCHEME, admit
from apps.contacts.services import imports
from apps.provisioning.bulk.text import LARGEST
from apps.runtime.db import in_db
from apps.wire.errors import MailError

_LETTER: Final = re.compile(r"/mail/compose/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/(?:send/)?")
_CONTACTS: Final = "/mail/contacts/import/"
_CONSOLE: Final = "/admin/import/"
PREFIX: Final = "/api/"


async def largest(scope: dict[str, Any], headers: dict[bytes, bytes]) -> int:
    """Octets that the body of a request may have which is larger than all others may be; 0 if it is
    none of these, of somebody who is signed in."""
    if scope["path"].startswith(PREFIX):
        return await _of_program(scope, headers)
    most = _files(scope["path"]) if scope["method"] == "POST" else 0
    if not most or not headers.get(b"content-type", b"").startswith(b"multipart/form-data"):
        return 0
    key = _session_key(headers.get(b"cookie", b""))
    try:
        if not key or not await in_db("read", _is_signed_in, key):
            return 0
    except (DatabaseError, MailError):
        return 0
    return int(most + settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


async def _of_program(scope: dict[str, Any], headers: dict[bytes, bytes]) -> int:
    most = large.most(scope["method"], scope["path"])
    word, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if not most or word.casefold() != SCHEME.casefold():
        return 0
    address = str((scope.get("client") or ("",))[0])
    try:
        await in_db("read", admit, token.strip(), address)
    except (DatabaseError, MailError):
        return 0
    return most


def _files(path: str) -> int:
    """Octets of the files of a form: in a letter as many as a message may have, though they grow in
    it."""
    if path == _CONTACTS:
        return imports.LARGEST
    if path == _CONSOLE:
        return LARGEST
    return int(settings.MESSAGE_SIZE_LIMIT) if _LETTER.fullmatch(path) else 0


def _session_key(cookies: bytes) -> str:
    try:
        found = SimpleCookie(cookies.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _is_signed_in(key: str) -> bool:
    store = SessionStore(key)
    store.load()
    return store.facts is not None and store.facts.user_id is not None
