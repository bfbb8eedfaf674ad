"""The error tree: every failure that a peer may see carries its own answer.

MailError
├── Temporary                  the peer may try again
│   ├── StorageUnavailable     451 4.3.0   [UNAVAILABLE]
│   ├── StorageFull            452 4.3.1   [UNAVAILABLE]
│   ├── Overloaded             451 4.3.2   [UNAVAILABLE]
│   ├── QuotaExceeded          452 4.2.2   [OVERQUOTA]
│   ├── Throttled              454 4.7.0   [UNAVAILABLE]
│   ├── SignInUnavailable      454 4.7.0   [UNAVAILABLE]
│   ├── SendLimitReached       452 4.7.1   [LIMIT]
│   └── TooManyRecipients      452 4.5.3   [LIMIT]
├── Refused                    trying again will not help
│   ├── InvalidAddress         501 5.1.3
│   ├── UnknownRecipient       550 5.1.1   [NONEXISTENT]
│   ├── RelayDenied            550 5.7.1
│   ├── SenderNotAllowed       553 5.7.1   [NOPERM]
│   ├── MessageTooLarge        552 5.3.4   [TOOBIG]
│   ├── LoopDetected           554 5.4.6
│   ├── AuthenticationFailed   535 5.7.8   [AUTHENTICATIONFAILED]
│   ├── AccountSuspended       550 5.2.1   [NOPERM]
│   ├── NotFound               550 5.1.1   [NONEXISTENT]
│   ├── Gone                   550 5.7.0   [NONEXISTENT]
│   ├── AlreadyExists          550 5.7.0   [ALREADYEXISTS]
│   ├── InvalidName            550 5.1.3   [CANNOT]
│   ├── NotPermitted           550 5.7.1   [NOPERM]
│   ├── LimitReached           550 5.7.0   [LIMIT]
│   ├── UnknownEncoding        554 5.6.1   [UNKNOWN-CTE]
│   └── InUse                  550 5.7.0   [INUSE]
└── Damaged                    our own data is broken: 451 4.3.0 [SERVERBUG]

Two voices: `reply` is what the peer reads (public, generic), `detail` is for the log only. Text of
an exception that is not a MailError never reaches a peer.
"""

from typing import ClassVar

from apps.wire.replies import Reply


class MailError(Exception):
    """Base of all expected failures.

    Args:
        detail: what happened, for the log; may name accounts and sizes, never secrets.
        text: replaces the public text of the reply where a class serves several cases.
    """

    reply: Reply = Reply(451, "4.3.0", "Something went wrong here, try again later")
    imap_code: ClassVar[str] = "SERVERBUG"
    http_status: ClassVar[int] = 500

    def __init__(self, detail: str = "", *, text: str = "") -> None:
        super().__init__(detail or text or self.reply.text)
        self.detail = detail
        if text:
            self.reply = Reply(self.reply.code, self.reply.enhanced, text)


class Temporary(MailError):
    """The peer may try again."""


class StorageUnavailable(Temporary):
    """The database or the blob store does not answer, or its turn did not come in time."""

    reply = Reply(451, "4.3.0", "Mail storage is not available, try again later")
    imap_code = "UNAVAILABLE"
    http_status = 503


class StorageFull(Temporary):
    """The disk is full."""

    reply = Reply(452, "4.3.1", "Insufficient system storage, try again later")
    imap_code = "UNAVAILABLE"
    http_status = 507


class Overloaded(Temporary):
    """A bounded wait or queue inside is full."""

    reply = Reply(451, "4.3.2", "Too busy, try again later")
    imap_code = "UNAVAILABLE"
    http_status = 503


class QuotaExceeded(Temporary):
    """The mailbox's owner has no space left (RFC 5321 s4.2.3, RFC 9208)."""

    reply = Reply(452, "4.2.2", "Mailbox is full")
    imap_code = "OVERQUOTA"
    http_status = 507


class Throttled(Temporary):
    """Too many attempts from this address or for this account."""

    reply = Reply(454, "4.7.0", "Too many attempts, try again later")
    imap_code = "UNAVAILABLE"
    http_status = 429


class SignInUnavailable(Temporary):
    """Whoever could tell whether the client may sign in does not answer (RFC 4954 section 6)."""

    reply = Reply(454, "4.7.0", "Temporary authentication failure, try again later")
    imap_code = "UNAVAILABLE"
    http_status = 503


class SendLimitReached(Temporary):
    """The account, its domain or its organisation has sent as much as it may for now."""

    reply = Reply(452, "4.7.1", "This account has sent as much as it may for now")
    imap_code = "LIMIT"
    http_status = 429


class TooManyRecipients(Temporary):
    """More recipients than one message of this account may have (RFC 5321 s4.5.3.1.10)."""

    reply = Reply(452, "4.5.3", "Too many recipients")
    imap_code = "LIMIT"
    http_status = 422


class Refused(MailError):
    """Trying again will not help."""

    reply = Reply(550, "5.7.0", "Refused")
    imap_code = "CANNOT"
    http_status = 400


class InvalidAddress(Refused):
    """Not an address by RFC 5321 s4.1.2."""

    reply = Reply(501, "5.1.3", "Bad address syntax")
    http_status = 400


class UnknownRecipient(Refused):
    """No such user, alias or catch-all here."""

    reply = Reply(550, "5.1.1", "No such user here")
    imap_code = "NONEXISTENT"
    http_status = 404


class RelayDenied(Refused):
    """The domain is not ours and the client has not signed in."""

    reply = Reply(550, "5.7.1", "We do not relay for this domain")
    imap_code = "NOPERM"
    http_status = 403


class SenderNotAllowed(Refused):
    """The reverse-path or From is not an address of the account that signed in."""

    reply = Reply(553, "5.7.1", "This account may not send as that address")
    imap_code = "NOPERM"
    http_status = 403


class MessageTooLarge(Refused):
    """Above MESSAGE_SIZE_LIMIT (RFC 1870, RFC 7889)."""

    reply = Reply(552, "5.3.4", "Message is too big")
    imap_code = "TOOBIG"
    http_status = 413


class LoopDetected(Refused):
    """Too many Received fields, or it has been delivered to this address before."""

    reply = Reply(554, "5.4.6", "Routing loop detected")
    http_status = 409


class AuthenticationFailed(Refused):
    """Unknown user or wrong password: the two are never told apart."""

    reply = Reply(535, "5.7.8", "Authentication failed")
    imap_code = "AUTHENTICATIONFAILED"
    http_status = 401


class AccountSuspended(Refused):
    """The user, its domain or its organisation is suspended."""

    reply = Reply(550, "5.2.1", "Mailbox is disabled")
    imap_code = "NOPERM"
    http_status = 403


class NotFound(Refused):
    """No such object in the caller's scope."""

    reply = Reply(550, "5.1.1", "No such object")
    imap_code = "NONEXISTENT"
    http_status = 404


class Gone(Refused):
    """It was there, and is finished: nothing can be changed in it any more."""

    reply = Reply(550, "5.7.0", "No longer there")
    imap_code = "NONEXISTENT"
    http_status = 410


class AlreadyExists(Refused):
    """The name is taken."""

    reply = Reply(550, "5.7.0", "Already exists")
    imap_code = "ALREADYEXISTS"
    http_status = 409


class InvalidName(Refused):
    """A mailbox, domain or user name that cannot be."""

    reply = Reply(550, "5.1.3", "Invalid name")
    imap_code = "CANNOT"
    http_status = 400


class NotPermitted(Refused):
    """The caller may not do this."""

    reply = Reply(550, "5.7.1", "Not permitted")
    imap_code = "NOPERM"
    http_status = 403


class LimitReached(Refused):
    """A named limit of the installation, the organisation or the protocol."""

    reply = Reply(550, "5.7.0", "Limit reached")
    imap_code = "LIMIT"
    http_status = 403


class UnknownEncoding(Refused):
    """A Content-Transfer-Encoding that we cannot take off (RFC 3516 section 4.3)."""

    reply = Reply(554, "5.6.1", "The transfer encoding of a part is not known")
    imap_code = "UNKNOWN-CTE"
    http_status = 422


class InUse(Refused):
    """Something else holds or needs it."""

    reply = Reply(550, "5.7.0", "In use")
    imap_code = "INUSE"
    http_status = 409


class Damaged(MailError):
    """Our own data is broken (a blob is missing or has another checksum)."""

    reply = Reply(451, "4.3.0", "This message cannot be read, the administrator has been told")
    imap_code = "SERVERBUG"
    http_status = 500
