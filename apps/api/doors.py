"""What all doors of the interface for programs have in common.

A door is a class with one address and a method for each verb; it reads what was sent (`asked`,
`sought`), calls one service with the powers of who asks, and shows what came of it (`shown`).
Admission, scopes, budgets, repeated requests and what records say of who acted stand here.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Final, TypeVar, cast

from django.db import models
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api import matching, pace
from apps.api.access import Access
from apps.api.bodies import DIGEST
from apps.api.forms import Form
from apps.api.problems import Fault, Wrong
from apps.api.services import replays
from apps.api.services.replays import Answered
from apps.audit.acting import Actor, acting, current
from apps.directory.apitokens import READ, WRITE
from apps.directory.models import User
from apps.directory.permissions import Powers

KEY: Final = "Idempotency-Key"
LONGEST_KEY: Final = 255
_KEPT: Final = ("Location", "ETag")  # headers of an answer that is given again

Asked = TypeVar("Asked", bound=Form)


class Door(APIView):
    """Base of all doors.

    Args:
        resource: of `apitokens.RESOURCES`, what its scopes are called after.
        is_administrators: whether somebody without any role has nothing to do here.
        reads: verbs that change nothing although they are none of the safe ones.
        is_idempotent: a POST here does nothing more when it is done again, and may wait for others
            (RFC 9110 section 9.2.2): it is done anew whatever its Idempotency-Key, in no
            transaction.
        matches: verbs that ask `demand_unchanged`.
    """

    resource: ClassVar[str] = ""
    is_administrators: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset()
    is_idempotent: ClassVar[bool] = False
    matches: ClassVar[frozenset[str]] = frozenset()

    @property
    def access(self) -> Access:
        """Who asks."""
        return cast("Access", self.request.auth)

    @property
    def powers(self) -> Powers:
        """What they may do, in the places of their token."""
        return self.access.powers

    @property
    def user(self) -> User:
        """Whose token it is; raises PermissionDenied on the command line, which is nobody."""
        if self.access.user is None:
            raise PermissionDenied("This is for users: nobody is signed in", code="not_permitted")
        return self.access.user

    def way(self, verb: str) -> str:
        """Which scope a verb needs."""
        return READ if verb in SAFE_METHODS or verb in self.reads else WRITE

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """DRF's, with what records say of who acts."""
        outside = current()
        with acting(lambda: self._actor(outside)):
            return cast("HttpResponse", super().dispatch(request, *args, **kwargs))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """DRF's, then budget and repeated requests."""
        super().initial(request, *args, **kwargs)
        # Whoever runs commands on this machine has it in hand anyway.
        self._budget = None if self.access.is_at_home else pace.take(self.access.caller)
        pace.demand(self._budget)
        self._demand_matching(request)
        if request.method == "POST":
            self._make_ready(request.headers.get(KEY))

    def _demand_matching(self, request: Request) -> None:
        """Raise Wrong if a condition would go unheard: whoever sets one means it."""
        is_heard = request.method in SAFE_METHODS or request.method in self.matches
        if request.headers.get("If-Match") is not None and not is_heard:
            words = "This operation takes no condition: leave the header out"
            raise Wrong(Fault("If-Match:", "not_understood", words), status=400)

    def _make_ready(self, key: str | None) -> None:
        if key is not None:
            demand_key(key)
        if key is None or self.is_idempotent:
            self.ahead()
            return
        is_ready = self._was_not_done(key)
        # DRF takes the handler from the instance, once all this has let the request pass.
        handler: Callable[..., Any] = getattr(self, "post", self.http_method_not_allowed)
        vars(self)["post"] = partial(self._once, key, is_ready, handler)

    def _was_not_done(self, key: str) -> bool:
        """Make ready what was not done before, and return True. What was done may be in its own
        way by now (an address that is taken): that is no failure of who asks again."""
        if replays.is_there(caller=self.access.caller, key=key):
            return False
        try:
            self.ahead()
        except Exception:
            if not replays.is_there(caller=self.access.caller, key=key):
                raise
            return False  # by another request, at this moment
        return True

    def ahead(self) -> None:
        """What a POST needs and what takes its time, such as keys and hashes of passwords: made
        before any transaction, for who writes has the turn of all others. Looks at what was sent
        first: what is refused shall cost nothing."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """DRF's, with what is left of the budget."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        budget = getattr(self, "_budget", None)
        if budget is not None:
            for name, value in budget.headers.items():
                answer[name] = value
        return answer

    def asked(self, form: type[Asked], *, partial: bool = False) -> Asked:
        """The body, checked; raises ValidationError."""
        found = form(data=self.request.data, partial=partial)
        found.is_valid(raise_exception=True)
        return found

    def sought(self, form: type[Asked]) -> dict[str, Any]:
        """What the address asks for behind "?", checked; raises Wrong."""
        query = self.request.query_params
        twice = [name for name, values in query.lists() if len(values) > 1]
        if twice:
            raise Wrong(Fault(f"?{twice[0]}", "repeated", "Give this parameter once"), status=400)
        found = form(data=query.dict())
        if not found.is_valid():
            raise Wrong(*_of_query(found), status=400)
        return dict(found.validated_data)

    def shown(
        self, data: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """One thing, with its ETag; 304 if the client has it already."""
        tag = matching.tag_of(data)
        if status == 200 and matching.is_known(self.request, tag):
            return Response(status=304, headers={"ETag": tag})
        return Response(data, status=status, headers={**(headers or {}), "ETag": tag})

    def made(self, data: Mapping[str, Any], address: str) -> Response:
        """Something new, with its address."""
        return self.shown(data, 201, {"Location": address})

    def gone(self) -> Response:
        """What was removed."""
        return Response(status=204)

    def demand_unchanged(
        self, rows: models.QuerySet[Any], show: Callable[[], Mapping[str, Any]]
    ) -> None:
        """Where the client says of which state it speaks (If-Match), lock the rows and raise
        Changed unless that is the state they are in. Within a transaction."""
        matching.demand(self.request, rows, show)

    def _actor(self, outside: Actor) -> Actor:
        access = getattr(self.request, "auth", None)
        return access.actor or outside if isinstance(access, Access) else outside

    def _once(
        self,
        key: str,
        is_ready: bool,
        handler: Callable[..., Any],
        request: Request,
        *args: Any,
        **kwargs: Any,
    ) -> HttpResponse:
        """The answer to a request that may be sent again."""
        _ = request.data  # before the transaction: what cannot be read is no request yet

        def work() -> Answered:
            if not is_ready:
                self.ahead()  # what was done is forgotten since a moment ago
            response = self.finalize_response(request, handler(request, *args, **kwargs))
            assert isinstance(response, Response)
            response.render()
            kept = {name: response[name] for name in _KEPT if response.has_header(name)}
            return Answered(response.status_code, json.dumps(kept), bytes(response.content))

        done = replays.once(caller=self.access.caller, key=key, request=_digest(request), work=work)
        answer = HttpResponse(
            done.body,
            status=done.status,
            content_type="application/json",
            headers=json.loads(done.headers),
        )
        if done.is_again:
            answer["Idempotency-Replayed"] = "true"
        return answer


def demand_key(key: str) -> None:
    """Raise Wrong for what is no Idempotency-Key."""
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        words = f"A key has 1 to {LONGEST_KEY} printable ASCII characters"
        raise Wrong(Fault(f"{KEY}:", "invalid", words), status=400)


def _digest(request: Request) -> bytes:
    """Of all that was asked for."""
    body = (request.parser_context or {}).get(DIGEST, b"")
    line = f"{request.method} {request.get_full_path()} {request.content_type}\0"
    return hashlib.sha256(line.encode() + body).digest()


def _of_query(form: Form) -> list[Fault]:
    found = []
    for name, errors in form.errors.items():
        for one in errors:
            if one.code == "unknown_field":
                words = "There is no such parameter here: leave it out"
                found.append(Fault(f"?{name}", "unknown_parameter", words))
            else:
                found.append(Fault(f"?{name}", str(one.code), str(one)))
    return found
