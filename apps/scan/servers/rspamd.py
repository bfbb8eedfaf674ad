"""rspamd, asked over HTTP: POST /checkv2, the message as the body, its envelope in fields, symbols
in JSON. The protocol is described in rspamd's own manual under "protocol".
"""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

import aiohttp

from apps.scan.base import Case
from apps.scan.servers.answers import Answer, AwayError, MissedError, Symbol, scored, told
from apps.scan.servers.heading import safe
from apps.scan.servers.stream import CONNECT_SECONDS, reason

_MOST_REPLY: Final = 1024 * 1024
_MOST_RECIPIENTS: Final = 50
_NEEDED: Final = 15.0
"""Points from which it refuses, unless it says otherwise."""
_GATEWAY: Final = frozenset({502, 503, 504})


class Rspamd:
    """One rspamd, as a scanner that `asking` can ask.

    Args:
        url: of its normal worker, without a slash at the end.
    """

    name: ClassVar[str] = "rspamd"
    at_once: ClassVar[int] = 16

    def __init__(self, url: str, hostname: str) -> None:
        self._url = url
        self._hostname = hostname

    def skips(self, case: Case) -> str:
        """Nothing."""
        return ""

    async def ask(self, case: Case) -> Answer:
        """What it thinks of the message.

        Raises:
            AwayError, MissedError, OSError
        """
        fields = list(_fields(case, self._hostname))
        return read(*await self._answer("POST", "/checkv2", case.raw, fields))

    async def ping(self) -> str:
        """That it is there.

        Raises:
            AwayError, MissedError, OSError
        """
        status, body = await self._answer("GET", "/ping")
        reply = told(body.decode("utf-8", "replace"))
        if status != 200:
            raise MissedError(f"it answered {status} {reply}")
        return reply

    async def _answer(
        self, method: str, path: str, body: bytes = b"", fields: list[tuple[str, str]] | None = None
    ) -> tuple[int, bytes]:
        # A session for each question: a connection kept could be one that its server has closed.
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,  # a small answer must not grow in memory
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        ) as session:
            try:
                async with session.request(
                    method,
                    self._url + path,
                    data=io.BytesIO(body) if body else None,
                    headers=fields,
                    allow_redirects=False,
                ) as answer:
                    return answer.status, await _bounded(answer)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                inner = getattr(error, "os_error", None)
                words = reason(inner) if isinstance(inner, OSError) else "takes no connection"
                raise AwayError(words) from None
            except (aiohttp.ClientError, ValueError) as error:
                raise MissedError(told(error) or type(error).__name__) from None


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    found = bytearray()
    async for piece in answer.content.iter_chunked(8192):
        found += piece
        if len(found) > _MOST_REPLY:
            raise MissedError(f"its answer has more than {_MOST_REPLY} bytes")
    return bytes(found)


def _fields(case: Case, hostname: str) -> Iterator[tuple[str, str]]:
    yield "Queue-Id", case.id.hex
    yield "MTA-Name", hostname
    yield "From", safe(case.sender)
    for one in case.recipients[:_MOST_RECIPIENTS]:
        yield "Rcpt", safe(one)
    client = case.client
    for field, key in (("IP", "address"), ("Helo", "helo")):
        if client.get(key):
            yield field, safe(client[key])
    if case.user_id is not None:
        # Whoever signed in: rspamd then checks no SPF and no lists of dial-up networks.
        yield "User", safe(case.sender) or str(case.user_id)


def read(status: int, body: bytes) -> Answer:
    """Points and symbols of an answer.

    Raises:
        AwayError: who answered is a proxy that does not reach it.
        MissedError: it is no result.
    """
    if status != 200:
        words = told(body.decode("utf-8", "replace"))
        error = AwayError if status in _GATEWAY else MissedError
        raise error(f"it answered {status} {words}")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise MissedError("its answer is no JSON") from None
    if not isinstance(found, dict) or not isinstance(found.get("action"), str):
        raise MissedError("its answer has no action")
    reject = ""
    if found["action"] == "reject":
        messages = found.get("messages")
        said = messages.get("smtp_message") if isinstance(messages, dict) else None
        reject = str(said or "its own reasons")
    needed = found.get("required_score") or _NEEDED
    return scored(found.get("score"), needed, _symbols(found.get("symbols")), reject=reject)


def _symbols(symbols: object) -> Iterator[Symbol]:
    """Those that have points; their words are what they mean and what they saw."""
    for name, symbol in symbols.items() if isinstance(symbols, dict) else ():
        score = symbol.get("score") if isinstance(symbol, dict) else None
        if isinstance(score, int | float) and score:
            yield str(name), score, _words(symbol)


def _words(symbol: Mapping[str, Any]) -> str:
    description, options = symbol.get("description"), symbol.get("options")
    words = description if isinstance(description, str) else ""
    if isinstance(options, list) and options and isinstance(options[0], str):
        words += f" ({options[0]})" if words else options[0]
    return words
