"""Every code that a failure may carry: what it means, and the way out. They never change; the page
that `type` leads to shows them in this order.

A code that is not here is a defect: `tests/api/test_codes.py` reads the doors for them.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Code:
    """A code.

    Args:
        statuses: with which it comes; "" where it stands at a field alone.
        means: one sentence.
        way: what to do.
    """

    name: str
    statuses: str
    means: str
    way: str


@dataclass(frozen=True, slots=True)
class Group:
    """Codes about the same thing."""

    title: str
    codes: tuple[Code, ...]


_ENTRY: Final = Group(
    "Being let in",
    (
        Code("not_authenticated", "401", "No token was sent.",
             "Send one in the header: Authorization: Bearer mhk_…"),
        Code("authentication_failed", "401", "There is no such token, or it has expired.",
             "Check that all of it was sent; make a new one if it has expired."),
        Code("second_factor_needed", "403", "This account signs in with a second factor, which"
             " a program cannot give.", "Make a token in the settings, and send that."),
        Code("password_change_needed", "403", "The password of this account has to be changed"
             " first.", "Sign in with a browser and change it."),
        Code("account_suspended", "403", "The user of the token, the domain or the organisation is"
             " suspended.", "Ask who administers it."),
        Code("scope_missing", "403", "The token has not the scope that this operation needs.",
             "The answer names it: make a token that has it."),
        Code("not_permitted", "403", "The user of the token may not do this, or not from this"
             " network, or not here.", "Ask somebody whose role is larger, or for a role."),
        Code("permission_denied", "403", "The user of the token may not do this.",
             "Ask somebody whose role is larger, or for a role."),
        Code("no_role", "403", "The role in this shared mailbox does not let do this.",
             "Ask who administers the mailbox for another role."),
        Code("throttled", "429", "Too many requests in this minute, or too many wrong tokens from"
             " this network.", "Wait as many seconds as Retry-After says."),
        Code("sign_in_unavailable", "503", "Who could tell whether you may come in does not"
             " answer.", "Send it again later."),
    ),
)  # fmt: skip
_REQUESTS: Final = Group(
    "Requests",
    (
        Code("parse_error", "400", "The body cannot be read.",
             "Send one object of JSON in UTF-8; the answer says where it ends to be one."),
        Code("unknown_parameter", "400", "There is no such parameter behind the question mark.",
             "Leave it out."),
        Code("repeated", "400, 422", "Something stands there twice.", "Send it once."),
        Code("not_understood", "400", "This operation takes no If-Match.", "Leave it out."),
        Code("method_not_allowed", "405", "There is no such verb at this address.",
             "The header Allow names those that are."),
        Code("not_acceptable", "406", "There is no answer of the kind that Accept asks for.",
             "Ask for application/json."),
        Code("unsupported_media_type", "415", "A body of this kind is not read here.",
             "Send the Content-Type that the operation names."),
        Code("too_large", "413", "The body is larger than this operation takes.",
             "Send less at once."),
        Code("changed_meanwhile", "412", "It is not in the state that If-Match names.",
             "Read it again, and send the ETag that you get."),
        Code("key_reused", "422", "This Idempotency-Key came with another request before.",
             "Send a new key with a new request."),
        Code("answer_lost", "409", "It was done before, and what was answered cannot be read any"
             " more: the key of the installation that sealed it is gone.",
             "Look at what it made; send a new key with a new request."),
        Code("refused", "400, 409", "It cannot be done; the answer says why.",
             "Mend what it says."),
    ),
)  # fmt: skip
_FIELDS: Final = Group(
    "Fields",
    (
        Code("invalid", "400, 422", "A field or parameter cannot be what it is, or several are"
             " wrong in different ways.", "`errors` says of each what the rule is."),
        Code("required", "", "The field has to be there.", "Send it."),
        Code("unknown_field", "", "There is no such field, or it cannot be set.", "Leave it out."),
        Code("empty", "", "It may not be empty.", "Send something, or leave it out."),
        Code("min_value", "", "The number is too small.", "The answer names the smallest."),
        Code("max_value", "", "The number is too large.", "The answer names the largest."),
        Code("min_length", "", "It is too short.", "The answer names the shortest."),
        Code("max_length", "", "It is too long.", "The answer names the longest."),
        Code("max_string_length", "", "The number has too many digits.", "Send a smaller one."),
        Code("invalid_choice", "", "It is none of the words that may stand there.",
             "The schema lists them."),
        Code("not_a_list", "", "It is not a list.", "Send a list, also for one thing."),
        Code("not_a_dict", "", "It is not an object.", "Send an object."),
        Code("null_characters_not_allowed", "", "There is a NUL in the text.", "Leave it out."),
        Code("surrogate", "", "The text has half of a character in it.", "Send it as UTF-8."),
        Code("date", "", "It is a date without a time.", "Send both: 2026-11-28T10:00:00Z."),
        Code("datetime", "", "It is a time where a date is meant.", "Send a date: 2026-11-28."),
        Code("make_aware", "", "There is no such time in this time zone.", "Send it in UTC."),
        Code("overflow", "", "The time is out of range.", "Send one nearer to now."),
        Code("no_name", "", "It has no name.", "Send one."),
        Code("invalid_address", "400, 422", "It is not an address of mail (RFC 5321).",
             "Send one such as jane@example.org."),
        Code("invalid_name", "400, 422", "A name like this cannot be.",
             "The answer names the rule."),
        Code("organization_needed", "422", "It does not say for which organisation.",
             "Send `organization`."),
        Code("one_of", "", "Two fields are there of which one is meant.", "Leave one out."),
        Code("no_part", "", "A member has to read or to send.", "Choose one of the two, or both."),
        Code("persons_only", "", "Only a person can have this.", "Leave it out."),
        Code("not_taken_back", "", "It ends by itself, and is not taken back.", "Leave it out."),
        Code("keyword", "", "It is not a keyword of a message.",
             "Send one word of ASCII without brackets, quotes, `*` and `%`."),
        Code("message_id", "", "It is not a Message-ID.", "Send it with its angle brackets."),
        Code("base64", "", "It is not base64 (RFC 4648).", "Send the octets in base64."),
        Code("same_mailbox", "", "The message is there already.", "Name another mailbox."),
        Code("weak_password", "422", "The password is too easy to guess.",
             "The answer names the rule: send a longer one."),
        Code("wrong_lines", "422", "Some lines cannot be read.", "The answer names them."),
        Code("field_refused", "422", "A field of a letter cannot be what it is.",
             "The answer names the rule."),
    ),
)  # fmt: skip
_THINGS: Final = Group(
    "Things",
    (
        Code("not_found", "400, 404, 422", "There is no such thing, or it is out of sight; at a"
             " field: what the field names.", "List them to find its id."),
        Code("unknown_recipient", "404, 422", "Nobody here has this address.", "Check it."),
        Code("gone", "410", "It is over.", "Begin again."),
        Code("already_exists", "409", "There is one of this name already.",
             "Take another name, or change what is there."),
        Code("in_use", "409", "Something depends on it.", "The answer names what to remove first."),
        Code("loop_detected", "409", "Mail would go in a circle.", "Let one of them end it."),
        Code("overtaken", "409", "Somebody else has changed it meanwhile.", "Read it again."),
        Code("too_late", "409", "It is on its way already.", "It cannot be called back."),
    ),
)  # fmt: skip
_LIMITS: Final = Group(
    "Limits",
    (
        Code("limit_reached", "403", "The organisation or domain has as many as it may.",
             "Remove some, or ask for a larger limit."),
        Code("too_many", "403", "There are as many as there may be.", "Remove some."),
        Code("too_many_recipients", "422", "More recipients than one message may have.",
             "Send it in several messages."),
        Code("send_limit_reached", "429", "The account has sent as much as it may for now.",
             "Send the rest later."),
        Code("meter_reached", "429", "The account has sent as much as it may for now.",
             "Send the rest later."),
        Code("quota_exceeded", "507", "The mailbox is full.",
             "Remove mail, or ask for a larger quota."),
        Code("message_too_large", "413", "The message is larger than this server takes.",
             "Send less, or a link."),
    ),
)  # fmt: skip
_MAIL: Final = Group(
    "Mail",
    (
        Code("sender_not_allowed", "403", "The user may not send as that address.",
             "Send as an own address, or ask for the right to send as that one."),
        Code("not_taken", "422", "A recipient takes no mail: nobody is there, or it is suspended,"
             " full, or in a circle.", "The answer says which one, and why."),
        Code("relay_denied", "403", "Mail is not taken for this domain.", "Check the address."),
        Code("header_refused", "400, 422", "The header of the message is not valid.",
             "The answer names the field."),
        Code("unknown_encoding", "422", "The transfer encoding of a part is not known.",
             "Send base64, quoted-printable, 7bit or 8bit."),
    ),
)  # fmt: skip
_OURS: Final = Group(
    "This server",
    (
        Code("overloaded", "503", "It is too busy for a moment.",
             "Wait as many seconds as Retry-After says."),
        Code("storage_unavailable", "503", "The database or the storage is away for a moment.",
             "Wait as many seconds as Retry-After says; nothing was done."),
        Code("storage_full", "507", "Its disk is full.", "Tell its operator."),
        Code("internal", "500", "A line of many met a defect of this server.",
             "Tell its operator; the other lines are as they were answered."),
        Code("temporary", "500", "Something went wrong here.", "Send it again later."),
        Code("damaged", "500", "Data of its own cannot be read.", "Its operator has been told."),
        Code("seal_broken", "500", "A secret cannot be opened: it was sealed with another key.",
             "Tell its operator."),
    ),
)  # fmt: skip

GROUPS: Final = (_ENTRY, _REQUESTS, _FIELDS, _THINGS, _LIMITS, _MAIL, _OURS)
NAMES: Final = frozenset(code.name for group in GROUPS for code in group.codes)
