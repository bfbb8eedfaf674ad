"""Failures as programs read them: problem details (RFC 9457) with a code that never changes, the
field that is meant, the rule, and the way out.

`type` leads to the page that explains the code. What no `MailError` and no rule of a field stands
for is a defect of ours, and says no more than that.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from apps.runtime.failures import translated
from apps.wire.errors import (
    InvalidAddress,
    InvalidName,
    MailError,
    Overloaded,
    StorageUnavailable,
    Throttled,
)

MEDIA_TYPE: Final = "application/problem+json"
TYPES: Final = "/api/docs/problems#"
MOST: Final = 100  # fields of one answer
RETRY_AFTER: Final = 30  # seconds, where nothing better is known

# Where a failure of the mail path and one of a field differ.
_STATUS: Final[dict[type[MailError], int]] = {InvalidAddress: 422, InvalidName: 422}
_CODES: Final = {
    "required": "required",
    "null": "required",
    "blank": "required",
    "unknown_field": "unknown_field",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Args:
        pointer: of the body, as RFC 6901 writes it (`/address`); `?name` for a parameter of the
            address, `name:` for a header; "" for the whole.
    """

    pointer: str
    code: str
    detail: str

    @property
    def shown(self) -> dict[str, str]:
        return {"pointer": self.pointer, "code": self.code, "detail": self.detail}


class Wrong(Exception):
    """What was asked for cannot be: one fault or several."""

    def __init__(self, *faults: Fault, status: int = 422) -> None:
        super().__init__("; ".join(one.detail for one in faults))
        self.faults = faults
        self.status = status


class Changed(exceptions.APIException):
    """If-Match names another state than the present one (RFC 9110 section 13.1.1)."""

    status_code = 412
    default_code = "changed_meanwhile"
    default_detail = "It has changed meanwhile: read it again, and send the ETag that you get"


@contextmanager
def about(pointer: str, *kinds: type[MailError]) -> Iterator[None]:
    """Within: failures of these kinds (all, if none is named) are about that field."""
    try:
        yield
    except MailError as error:
        if kinds and not isinstance(error, kinds):
            raise
        raise _Pointed(pointer, error) from error


@contextmanager
def fields(places: Mapping[str, str]) -> Iterator[None]:
    """Within: failures whose `detail` is one of these words are about that field. For services that
    take many fields and say by a word which one it is."""
    try:
        yield
    except MailError as error:
        if error.detail not in places:
            raise
        raise _Pointed(places[error.detail], error) from error


class _Pointed(Exception):
    def __init__(self, pointer: str, error: MailError) -> None:
        super().__init__(str(error))
        self.pointer, self.error = pointer, error


def answer(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler: the problem, or None for a defect of ours."""
    found = told(error)
    if found is None:
        return None
    response = Response(found, status=found["status"], content_type=MEDIA_TYPE)
    if found["status"] in {429, 503}:
        response["Retry-After"] = str(_wait(error))
    challenge = getattr(error, "auth_header", None)
    if found["status"] == 401:
        response["WWW-Authenticate"] = challenge or "Bearer"
    return response


def problem(status: int, code: str, detail: str, faults: Sequence[Fault] = ()) -> dict[str, Any]:
    """The body of an answer."""
    found: dict[str, Any] = {
        "type": f"{TYPES}{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
    }
    if faults:
        found["errors"] = [one.shown for one in faults[:MOST]]
    return found


def code_of(error: MailError) -> str:
    """The code of a failure: its name in small letters."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__.removesuffix("Error")).lower()


def status_of(error: MailError) -> int:
    """The status of a failure."""
    for kind, status in _STATUS.items():
        if isinstance(error, kind):
            return status
    return error.http_status


def of_failure(error: MailError, pointer: str = "") -> dict[str, Any]:
    """The problem that a failure of a service is. What a field names and nobody finds is a mistake
    in that field: the address of the request is there. A parameter that cannot be is one of the
    request (400), as where its form refuses it."""
    code, detail, status = code_of(error), error.reply.text, status_of(error)
    faults = [Fault(pointer, code, detail)] if pointer else []
    if faults and status in {404, 422}:
        status = 400 if pointer.startswith("?") else 422
    return problem(status, code, detail, faults)


def told(error: Exception) -> dict[str, Any] | None:
    """The problem that an exception stands for; None for a defect of ours."""
    if isinstance(error, _Pointed):
        return of_failure(error.error, error.pointer)
    if isinstance(error, MailError):
        return of_failure(error)
    if isinstance(error, Wrong):
        return problem(error.status, _whole(error.faults), str(error), error.faults)
    if isinstance(error, exceptions.ValidationError):
        faults = list(_faults(error.get_full_details(), ""))
        return problem(422, "invalid", "; ".join(one.detail for one in faults[:3]), faults)
    if isinstance(error, Http404):
        return problem(404, "not_found", "There is nothing at this address")
    if isinstance(error, RequestDataTooBig):
        return problem(413, "too_large", "The body is too large for this operation")
    if isinstance(error, exceptions.APIException):
        return problem(error.status_code, _code(error), str(error.detail))
    failure = translated(error)
    return None if failure is None else of_failure(failure)


def _whole(faults: Sequence[Fault]) -> str:
    codes = {one.code for one in faults}
    return codes.pop() if len(codes) == 1 else "invalid"


def _code(error: exceptions.APIException) -> str:
    found = error.get_codes()
    return found if isinstance(found, str) else "invalid"


def _faults(details: Any, pointer: str) -> Iterator[Fault]:
    """DRF's tree of details, leaf by leaf."""
    if isinstance(details, Mapping) and set(details) == {"message", "code"}:
        code = str(details["code"])
        yield Fault(pointer, _CODES.get(code, code), str(details["message"]))
    elif isinstance(details, Mapping):
        for name, inner in details.items():
            step = "" if name == "non_field_errors" else f"/{_escaped(str(name))}"
            yield from _faults(inner, pointer + step)
    else:
        for number, inner in enumerate(details):
            is_leaf = isinstance(inner, Mapping) and set(inner) == {"message", "code"}
            yield from _faults(inner, pointer if is_leaf else f"{pointer}/{number}")


def _escaped(name: str) -> str:
    """RFC 6901 section 3."""
    return name.replace("~", "~0").replace("/", "~1")


def _wait(error: Exception) -> int:
    wait = getattr(error, "wait", None)
    if isinstance(wait, int | float):
        return max(1, round(wait))
    is_short = isinstance(error, Throttled | Overloaded) and not isinstance(
        error, StorageUnavailable
    )
    return 5 if is_short else RETRY_AFTER
