"""Django's session engine on `WebSession`.

What the cookie holds is known to the browser alone: the row's key is its SHA-256, so that who reads
a copy of the database signs in nowhere. Data is signed JSON, never pickle. Beside it stand the
columns that the owner is shown; they are kept here, where no request can write them by mistake.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import (
    VALID_KEY_CHARS,
    CreateError,
    SessionBase,
    UpdateError,
)
from django.utils import timezone
from django.utils.crypto import get_random_string

from apps.accounts import lifetimes
from apps.accounts.models import WebSession
from apps.accounts.services import sessions as services
from apps.directory.models import User

_KEY_LENGTH = 32  # of 36 characters each: 165 bits


def id_of(key: str) -> str:
    """The key of the row that belongs to a cookie."""
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Facts:
    """Who is signed in, since when, how, and from where.

    Args:
        user_id: None as long as nobody is.
        created_at: of the sign-in.
        seen_at: as the row has it, so up to five minutes late.
        means: of `apps.directory.models.Means`; "" if nobody said.
        acting_id: the administrator who looks as the user.
    """

    user_id: int | None
    created_at: datetime
    seen_at: datetime
    address: str = ""
    client: str = ""
    means: str = ""
    is_kept: bool = False
    acting_id: int | None = None

    def end(self, seen_at: datetime) -> datetime:
        """When it ends if it is seen then, and not again."""
        return lifetimes.end_of(
            created_at=self.created_at,
            seen_at=seen_at,
            is_known=self.user_id is not None,
            is_kept=self.is_kept,
            is_acting=self.acting_id is not None,
        )


class SessionStore(SessionBase):
    """The session of one request.

    `address` and `client` are set by the middleware: what a sign-in in this request is noted with.
    """

    _session: dict[str, Any]  # Django's, which loads it at the first look
    _session_cache: dict[str, Any]
    address = ""
    client = ""
    facts: Facts | None = None  # of the row; None if there is none yet
    is_left = False  # its user has signed out
    is_quiet = False  # a page asks by itself: nobody uses it, and nothing of it is changed

    @property
    def session_id(self) -> str:
        """The key of the row; "" if there is none."""
        return "" if self.session_key is None else id_of(self.session_key)

    def load(self) -> dict[str, Any]:
        row = None
        if self.session_key is not None:
            row = WebSession.objects.filter(pk=self.session_id).first()
        now = timezone.now()
        if row is None or row.expire_date <= now or facts_of(row).end(row.seen_at) <= now:
            # Never a key of the client's choice: whoever planted it would know it after sign-in.
            self._session_key = None
            return {}
        self.facts = facts_of(row)
        data: dict[str, Any] = self.decode(row.session_data)
        return data

    def exists(self, session_key: str) -> bool:
        return WebSession.objects.filter(pk=id_of(session_key)).exists()

    def create(self) -> None:
        while True:
            self._session_key = get_random_string(_KEY_LENGTH, VALID_KEY_CHARS)
            try:
                self._write(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            self.create()
        else:
            self._write(must_create)

    def _write(self, must_create: bool) -> None:
        if must_create and not hasattr(self, "_session_cache"):
            self._session_cache = {}  # there is nothing to load under a new key
        data = self._session
        now = timezone.now()
        self.facts = replace(self._facts_for(data), seen_at=now)
        columns = {
            "session_data": self.encode(data),
            "expire_date": self.facts.end(now),
            "user_id": self.facts.user_id,
            "created_at": self.facts.created_at,
            "seen_at": now,
            "address": self.facts.address,
            "client": self.facts.client,
            "means": self.facts.means,
            "is_kept": self.facts.is_kept,
            "acting_id": self.facts.acting_id,
        }
        if must_create:
            if not services.begin(self.session_id, columns):
                raise CreateError
        elif not services.change(self.session_id, columns):
            raise UpdateError

    def delete(self, session_key: str | None = None) -> None:
        key = self.session_key if session_key is None else session_key
        if key is not None:
            services.forget(id_of(key))

    def cycle_key(self) -> None:
        """Go on under a new key; its row is made when the request ends, the old one goes now. With
        nothing in it, if it was ended elsewhere while this request was under way."""
        data, key = self._session, self.session_key
        if key and not services.forget(id_of(key)):
            data, self.facts = {}, None
        self._session_cache = data
        self._session_key = None
        self.modified = True

    def flush(self) -> None:
        if self.is_quiet:
            # While a password is changed the session is not yet of the new one: a page that asks
            # in that moment must not end it.
            self._session_cache = {}
            self.modified = False
            return
        super().flush()
        self.facts = None

    @classmethod
    def clear_expired(cls) -> None:
        services.clear()

    def signed_in(self, *, means: str, is_kept: bool = False, acting_id: int | None = None) -> None:
        """Say how the user signed in who was put into the data now."""
        fresh = self._fresh(_user_of(self._session))
        self.facts = replace(fresh, means=means, is_kept=is_kept, acting_id=acting_id)
        self.modified = True

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to note that somebody who is signed in is here."""
        facts = self.facts
        return (
            facts is not None
            and facts.user_id is not None
            and facts.seen_at <= now - lifetimes.SEEN
        )

    def see(self, now: datetime) -> None:
        """Note that it is used now, from `address` by `client`."""
        if self.facts is None or self.session_key is None:
            return
        services.see(
            self.session_id,
            before=self.facts.seen_at,
            expire_date=self.facts.end(now),
            address=self.address or self.facts.address,
            client=self.client or self.facts.client,
        )

    def get_expiry_age(self, **kwargs: Any) -> int:
        """Seconds for which the cookie is kept."""
        now = timezone.now()
        return max(0, int((self._facts_for(self._session).end(now) - now).total_seconds()))

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        return self._facts_for(self._session).end(timezone.now())

    def get_expire_at_browser_close(self) -> bool:
        return not self._facts_for(self._session).is_kept

    def _facts_for(self, data: dict[str, Any]) -> Facts:
        """What is known, unless it is of another user than the data's: then it begins now."""
        user_id = _user_of(data)
        facts = self.facts
        return facts if facts is not None and facts.user_id == user_id else self._fresh(user_id)

    def _fresh(self, user_id: int | None) -> Facts:
        now = timezone.now()
        return Facts(user_id, now, now, self.address, self.client)


def _user_of(data: dict[str, Any]) -> int | None:
    user_id = data.get(SESSION_KEY)
    return None if user_id is None else User._meta.pk.to_python(user_id)


def facts_of(row: WebSession) -> Facts:
    """What the columns of a row say."""
    return Facts(
        user_id=row.user_id,
        created_at=row.created_at,
        seen_at=row.seen_at,
        address=row.address,
        client=row.client,
        means=row.means,
        is_kept=row.is_kept,
        acting_id=row.acting_id,
    )
