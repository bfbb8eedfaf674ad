"""Doors that take many lines."""

from collections.abc import AsyncIterator
from typing import ClassVar, Final

from django.http import StreamingHttpResponse
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from apps.api.bodies import Json
from apps.api.bulk.lines import MEDIA_TYPE, MOST, Lines, read
from apps.api.bulk.run import Run, Work
from apps.api.doors import KEY, Door, demand_key
from apps.api.forms import Shown
from apps.audit.acting import current

MORE: Final = f"""
One object a line (`{MEDIA_TYPE}`), up to {MOST:,} of them. The answer is a line of JSON for each,
in the same order, sent as they are done: `{{"line": 1, "status": 201, "result": {{…}}}}`, or
`{{"line": 2, "status": 409, "problem": {{…}}}}`; a line that fails hurts no other. The last line,
`{{"done": 1, "failed": 1, "problem": null}}`, says that it was the last one, or why no further line
was done. Where it is missing, the connection broke.

With an `Idempotency-Key` the same lines may be sent again: what was done is not done again, and is
answered as it was, with `"is_replayed": true`; what failed, or was not reached, is done.
"""


class BulkDoor(Door):
    """Takes lines, and answers with lines."""

    is_idempotent = True  # as a whole: each line has its own turn with its key
    takes_key: ClassVar[bool] = True
    renderer_classes = (Json, Lines)

    def answered(self, request: Request, work: Work) -> StreamingHttpResponse:
        """Do what the lines say."""
        kind = request.content_type.partition(";")[0].strip().casefold()
        if kind != MEDIA_TYPE:
            raise UnsupportedMediaType(kind, f"Send lines of JSON: Content-Type: {MEDIA_TYPE}")
        key = request.headers.get(KEY)
        if key is not None:
            demand_key(key)
        # As it came: DRF would parse it as a whole.
        body = request._request
        run = Run(
            work=work,
            access=self.access,
            source=read(body.readline),
            key=key or "",
            about=f"{request.method} {request.path}",
            outside=current(),
        )
        return LinesAnswer(run)


class LinesAnswer(StreamingHttpResponse):
    """Lines that are made while they are sent."""

    def __init__(self, run: Run) -> None:
        super().__init__(
            run.plainly(),
            content_type=MEDIA_TYPE,
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        self._run = run

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """On the threads for it, and not on that of the request."""
        async for piece in self._run.beside():
            yield piece


class ProblemShown(Shown):
    """Problem details (RFC 9457), as everywhere."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()


class AnswerLine(Shown):
    """A line of the answer; the last one has `done` and `failed`."""

    line = serializers.IntegerField(required=False, help_text="Which line of the body it is about.")
    status = serializers.IntegerField(required=False, help_text="As if it had been sent alone.")
    problem = ProblemShown(required=False, allow_null=True)
    is_replayed = serializers.BooleanField(required=False)
    done = serializers.IntegerField(required=False)
    failed = serializers.IntegerField(required=False)
