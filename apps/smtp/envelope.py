"""What we remember of a connection and a transaction: aiosmtpd's `Session` and `Envelope`, typed.

Handlers written for aiosmtpd find every attribute they know; ours find decoded values beside them.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Protocol
from uuid import UUID

from aiosmtpd.smtp import Envelope, Session

from apps.directory.authentication import Principal
from apps.mailqueue.services import EnvelopeRecipient
from apps.mime.address import Address
from apps.runtime import binding
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid, ulid_text
from apps.smtp.declined import Declines
from apps.smtp.proto.commands import Mail, Rcpt
from apps.smtp.proto.dialogue import Dialogue
from apps.smtp.proto.parameters import MailParameters


class Closable(Protocol):
    """Work in the background that nobody needs any more once its owner is gone."""

    def close(self) -> None: ...


class Options(list[str]):
    """The parameters of MAIL or RCPT as aiosmtpd's hooks get them, and the command itself."""

    def __init__(self, command: Mail | Rcpt) -> None:
        super().__init__(command.path.rest.decode("utf-8", "replace").split())
        self.command = command

    @property
    def size(self) -> int:
        """The SIZE that MAIL announced; 0 if it did not."""
        parameters = self.command.parameters
        return parameters.size if isinstance(parameters, MailParameters) else 0


class SmtpSession(Session):
    """One connection. `ssl` is set under TLS, `auth_data` is a Principal once signed in."""

    auth_data: Any

    def __init__(
        self, loop: asyncio.AbstractEventLoop, address: str, local_address: str = ""
    ) -> None:
        super().__init__(loop)
        self.id: UUID = new_ulid()
        self.address = address
        self.local_address = local_address
        self.dialogue = Dialogue(now_us(), loop.time)
        self.early_talker = False
        self.visit: object = None  # the MX handler's own
        self.most_recipients = 0  # per message of who signed in; 0 before
        self.is_gone = False  # the client has hung up: nobody hears the answer
        self.is_interrupted = False  # it has, or we are about to
        self._wakes: list[Callable[[], None]] = []

    def interrupt(self, *, gone: bool) -> None:
        """The client has gone, or we want to close: who waits for its sake is woken."""
        self.is_interrupted = True
        self.is_gone = self.is_gone or gone
        for wake in list(self._wakes):
            wake()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Within: `wake` is called when something interrupts the connection."""
        self._wakes.append(wake)
        try:
            yield
        finally:
            self._wakes.remove(wake)

    @property
    def principal(self) -> Principal | None:
        """Who signed in, None before."""
        return self.auth_data if isinstance(self.auth_data, Principal) else None

    @cached_property
    def name(self) -> str:
        """The connection's id as traces and logs show it."""
        return ulid_text(self.id)

    @property
    def helo(self) -> str:
        """The name the client gave itself, "" before it did."""
        return self.host_name or ""

    @property
    def tls(self) -> str:
        """Version and cipher, "" without TLS."""
        return f"{self.ssl['version']} {self.ssl['cipher']}" if self.ssl else ""

    @property
    def bindings(self) -> Mapping[str, bytes]:
        """The channel bindings of the TLS below, see `apps.runtime.binding`."""
        found: Mapping[str, bytes] = (self.ssl or {}).get("bindings", binding.NONE)
        return found

    @property
    def server_name(self) -> str:
        """The name under which the client asked for us in TLS, or ""."""
        return str((self.ssl or {}).get("server_name", ""))


class Transaction(Envelope):
    """One MAIL transaction: begun by MAIL, forgotten by RSET, EHLO, or its end.

    `id` is the receive id: a retry after an unknown commit outcome names the same transaction, and
    inserts nothing twice.
    """

    def __init__(self) -> None:
        super().__init__()
        self.id: UUID | None = None
        self.declines = Declines()
        self.sender: Address | None = None
        self.parameters = MailParameters()
        self.recipients: dict[tuple[int | None, str], EnvelopeRecipient] = {}
        # LMTP answers once for each RCPT it took: what each of them stands for, in order.
        self.groups: list[tuple[EnvelopeRecipient, ...]] = []
        self.admission: object = None  # the submission handler's own
        self.standing: Closable | None = None  # the MX handler's own

    @property
    def is_open(self) -> bool:
        """Whether MAIL was accepted."""
        return self.id is not None

    @property
    def message_id(self) -> UUID:
        """The receive id of the open transaction."""
        if self.id is None:
            raise ValueError("no transaction is open")
        return self.id

    @cached_property
    def trace_id(self) -> UUID:
        """Where its trace is, from the first MAIL on, and of a MAIL that was refused too."""
        return new_ulid()

    def open(self, command: Mail) -> None:
        """Note an accepted MAIL."""
        self.id = self.trace_id
        self.sender = command.path.address
        self.parameters = command.parameters
        self.mail_from = "" if command.path.address is None else str(command.path.address)
        self.smtp_utf8 = command.parameters.smtputf8

    def close(self) -> None:
        """It is over: end what was asked for its sake alone."""
        if self.standing is not None:
            self.standing.close()

    def add(self, group: tuple[EnvelopeRecipient, ...]) -> None:
        """Note what an accepted RCPT stands for. A mailbox named twice gets one copy."""
        self.groups.append(group)
        for recipient in group:
            self.recipients.setdefault(self.key(recipient), recipient)

    @staticmethod
    def key(recipient: EnvelopeRecipient) -> tuple[int | None, str]:
        """What makes two recipients one: the mailbox's owner, or an outside address."""
        local = recipient.user_id is not None
        return recipient.user_id, "" if local else recipient.address
