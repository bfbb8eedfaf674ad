"""A mail program on the user's machine is let in: a real browser brings the code back to it, which
the policy of the page has to allow, and nowhere else."""

import base64
import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.support.installation import Installation
from tests.support.watching import opened

PEOPLE = ("wren@tamar.test",)
REGISTER = """
from apps.directory.services import oauthclients
row, _ = oauthclients.register(name="Kestrel", redirects_to=["http://127.0.0.1/back"])
print(row.key)
"""


@pytest.fixture
def back() -> Iterator[tuple[int, list[str]]]:
    """The port at which the program listens, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<title>Back in the program</title>")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_browser_brings_the_code_back(
    service: Installation, chromium: Browser, back: tuple[int, list[str]]
) -> None:
    port, asked = back
    key = service.manage("shell", "-v0", "-c", REGISTER).strip()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).decode().rstrip("=")
    question = urlencode(
        {
            "response_type": "code",
            "client_id": key,
            "redirect_uri": f"http://127.0.0.1:{port}/back",
            "state": "ä &=",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
    )
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base, as_whom=service.people[0]) as seen:
        seen.page.goto(f"{base}/oauth/authorize?{question}")
        seen.page.get_by_role("button", name="Let it in", exact=True).click()
        expect(seen.page).to_have_title("Back in the program")
    found = parse_qs(urlsplit(asked[0]).query)
    assert found["state"] == ["ä &="]
    assert len(found["code"][0]) == 43
