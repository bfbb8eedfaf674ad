"""Commands for a server elsewhere: what is sent, and what happens when it does not go well."""

import base64
import json
import socket
import ssl
import threading
from contextlib import suppress

import pytest
import trustme

from apps.cli.asking import Request
from apps.cli.failures import Failed
from apps.cli.main import Caller
from apps.cli.network import LONGEST_WAIT, Network, bearer
from tests.cli.conftest import Elsewhere, Type

TOKEN = "mhk_secret"
JSON = {"Content-Type": "application/json"}
MADE = (201, JSON, b'{"id": 1, "name": "A"}')


def _caller(server: Elsewhere) -> Caller:
    return Caller(server.url, TOKEN)


def test_a_command_goes_to_the_server_that_is_named(types: Type, elsewhere: Elsewhere) -> None:
    page = json.dumps({"items": [{"id": 7, "name": "A b"}], "next": None}).encode()
    elsewhere.answers = [(200, JSON, page), (200, JSON, b'{"id": 7, "name": "A b"}')]
    words = ["organizations", "show", "a B", "--json", "--server", elsewhere.url]
    shown = types(*words, caller=Caller(token=TOKEN))
    assert json.loads(shown.out) == {"id": 7, "name": "A b"}
    assert [(verb, path) for verb, path, _, _ in elsewhere.asked] == [
        ("GET", "/api/v1/organizations?name=a+B&limit=1000"),
        ("GET", "/api/v1/organizations/7"),
    ]
    assert {headers["authorization"] for _, _, headers, _ in elsewhere.asked} == {f"Bearer {TOKEN}"}


def test_what_breaks_is_sent_again_under_the_same_key(types: Type, elsewhere: Elsewhere) -> None:
    waits: list[float] = []
    server = Network(elsewhere.url, bearer(TOKEN), sleep=waits.append)
    elsewhere.answers = [(0, {}, b""), (429, {"Retry-After": "5"}, b"{}"), MADE]
    body = b'{"name": "A"}'
    answer = server.ask(Request("POST", "organizations", body, "application/json"))
    assert (answer.status, answer.json()["id"]) == (201, 1)
    assert waits == [1.0, 5.0]
    assert len({headers["idempotency-key"] for _, _, headers, _ in elsewhere.asked}) == 1
    assert [sent for *_, sent in elsewhere.asked] == [body] * 3

    elsewhere.answers = [(503, {"Retry-After": "9999"}, b"{}")] * 4
    assert server.ask(Request("GET", "organizations")).status == 503
    assert max(waits) == LONGEST_WAIT
    assert len(waits) == 5


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((200, {}, b"<html>"), "is it mailhost?"),
        ((502, {}, b"<html>bad gateway"), "answered with status 502"),
        ((302, {"Location": "https://evil.example/"}, b""), "ask https://evil.example/:"),
        ((403, JSON, b'{"code": "scope_missing", "detail": "\\u001b[31mNo"}'), "Error: ?[31mNo."),
        ((500, JSON, b"[" * 100_000), "answered with status 500"),
    ],
)
def test_an_answer_of_any_kind_is_one_sentence(
    answer: tuple[int, dict[str, str], bytes], told: str, types: Type, elsewhere: Elsewhere
) -> None:
    elsewhere.answers = [answer]
    shown = types("organizations", "show", "1", caller=_caller(elsewhere))
    assert (shown.status, shown.out) == (1, "")
    assert told in shown.err
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "token", "told"),
    [
        ("http://mail.example.org", TOKEN, "over plain HTTP"),
        ("ftp://mail.example.org", TOKEN, "no address of a server"),
        ("https://", TOKEN, "no address of a server"),
        ("https://[", TOKEN, "no address of a server"),
        ("https://me:pass@mail.example.org", TOKEN, "no address of a server"),
        ("https://mail.example.org:99999", TOKEN, "no address of a server"),
        ("https://mail.example.org", "", "--token-file"),
        ("https://mail.example.org", "a\nb", "--token-file"),
    ],
)
def test_a_token_goes_nowhere_by_mistake(url: str, token: str, told: str, types: Type) -> None:
    shown = types("organizations", "list", caller=Caller(url, token))
    assert (shown.status, told in shown.err) == (2, True), shown.err


def test_a_token_stands_in_a_file(types: Type, elsewhere: Elsewhere) -> None:
    elsewhere.answers = [MADE, MADE]
    words = ("organizations", "show", "1", "--server", elsewhere.url, "--token-file", "-")
    assert types(*words, typed=f"{TOKEN}\n", caller=Caller()).status == 0
    assert elsewhere.asked[0][2]["authorization"] == f"Bearer {TOKEN}"


def test_the_first_token_is_made_with_a_password(types: Type, elsewhere: Elsewhere) -> None:
    elsewhere.answers = [(201, JSON, b'{"id": 3, "name": "laptop", "token": "mhk_new"}')]
    words = ["--server", elsewhere.url, "--sign-in", "ann@example.org", "tokens", "create"]
    words += ["--name", "laptop", "--scopes", "users:write", "--json"]
    made = types(*words, typed="correct horse:ü\n", caller=Caller())
    assert (made.status, json.loads(made.out)["token"]) == (0, "mhk_new")
    sent = base64.b64decode(elsewhere.asked[0][2]["authorization"].removeprefix("Basic "))
    assert sent.decode() == "ann@example.org:correct horse:ü"
    assert types(*words[2:], typed="x\n").status == 2  # at home nobody signs in


def test_nobody_there_is_one_sentence() -> None:
    server = Network("http://127.0.0.1:1", bearer(TOKEN), sleep=lambda _: None)
    with pytest.raises(Failed, match="does not answer"):
        server.ask(Request("GET", "organizations"))


def test_a_certificate_that_nobody_knows_is_not_believed() -> None:
    """Nothing is sent then, and it is not tried again."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        with suppress(OSError):
            context.wrap_socket(listener.accept()[0], server_side=True)

    thread = threading.Thread(target=greet)
    thread.start()
    server = Network(f"https://127.0.0.1:{listener.getsockname()[1]}", bearer(TOKEN), sleep=_never)
    with pytest.raises(Failed, match="not trusted here"):
        server.ask(Request("GET", "organizations"))
    thread.join()
    listener.close()


def _never(seconds: float) -> None:
    raise AssertionError("it was tried again")
