"""Asking this installation, in this process: whoever may run its commands is its operator.

No socket and no token: the request goes to the door that the address has, and what is recorded says
that the command line did it, and who sat there.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import IO, Any, Final
from urllib.parse import unquote

import django
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import resolve

from apps.cli.asking import Answer, Request
from apps.cli.contract import BASE
from apps.cli.failures import Failed

ADDRESS: Final = "127.0.0.1"


class Home:
    """This installation."""

    def __init__(self) -> None:
        from apps.api.access import Access
        from apps.api.authentication import AT_HOME
        from apps.directory.models import Role
        from apps.directory.permissions import Grant, Powers

        operator = Powers(0, (Grant(Role.OPERATOR),))
        self._beside = {AT_HOME: Access(None, operator, None, ADDRESS)}

    def ask(self, request: Request) -> Answer:
        """Ask; what is recorded is recorded as done by the command line."""
        from apps.audit.shell import at_shell

        with at_shell():
            response = self._response(request)
        headers = {name.lower(): value for name, value in response.items()}
        return Answer(response.status_code, headers, _pieces(response))

    def _response(self, request: Request) -> HttpResponseBase:
        path, _, query = f"/{BASE.strip('/')}/{request.path}".partition("?")
        asked = WSGIRequest({**self._environment(request, unquote(path), query), **self._beside})
        found = resolve(asked.path_info)
        response: HttpResponseBase = found.func(asked, *found.args, **found.kwargs)
        return response.render() if isinstance(response, SimpleTemplateResponse) else response

    def _environment(self, request: Request, path: str, query: str) -> dict[str, Any]:
        body, size = _body(request.body)
        named = {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in request.headers.items()}
        return {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            # WSGI has octets as Latin-1 (PEP 3333).
            "PATH_INFO": path.encode().decode("latin-1"),
            "QUERY_STRING": query,
            "REMOTE_ADDR": ADDRESS,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "443",
            "CONTENT_TYPE": request.media_type,
            "CONTENT_LENGTH": str(size),
            "wsgi.input": body,
            "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "https",
            **named,
        }


def open_home() -> Home:
    """Load this installation; raises Failed while its tables are not up to date."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
    django.setup()
    from apps.ops.commands import wait_for_tables

    problem = wait_for_tables()
    if problem:
        raise Failed(problem)
    return Home()


def _body(body: bytes | IO[bytes]) -> tuple[IO[bytes], int]:
    """What is read, and its size: a stream that cannot say it is read first."""
    if not isinstance(body, bytes):
        if body.seekable():
            start = body.tell()
            size = body.seek(0, os.SEEK_END) - start
            body.seek(start)
            return body, size
        body = body.read()
    return BytesIO(body), len(body)


def _pieces(response: HttpResponseBase) -> Iterator[bytes]:
    """The body, as it comes."""
    if not isinstance(response, StreamingHttpResponse):
        assert isinstance(response, HttpResponse)
        yield response.content
        return
    if not response.is_async:
        yield from response
        return
    with asyncio.Runner() as runner:
        coming = aiter(response)
        while (piece := runner.run(_next(coming))) is not None:
            yield piece


async def _next(coming: AsyncIterator[bytes]) -> bytes | None:
    return await anext(coming, None)
