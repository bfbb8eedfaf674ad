"""A browser as tests of sign-in want it: on HTTPS, and with the tokens that real ones bring."""

import re
from typing import Any

from django.conf import settings
from django.test import Client

from tests.conftest import PASSWORD

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
TELEPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/26.0 Mobile/15E148 Safari/604.1"
)


class Browser:
    """One with its own cookies, at one IP address."""

    def __init__(self, address: str = "192.0.2.1", agent: str = FIREFOX) -> None:
        self.client = Client(
            enforce_csrf_checks=True,
            headers={"host": "localhost", "user-agent": agent},
            SERVER_PORT="443",
            REMOTE_ADDR=address,
            HTTPS="on",
        )

    @property
    def cookie(self) -> str:
        """What the session's cookie holds; "" if there is none."""
        found = self.client.cookies.get(settings.SESSION_COOKIE_NAME)
        return "" if found is None else found.value

    def plant(self, cookie: str) -> None:
        """Put a cookie of somebody else's choice in its place."""
        self.client.cookies[settings.SESSION_COOKIE_NAME] = cookie

    def get(self, path: str, **headers: str) -> Any:
        """Ask for a page."""
        return self.client.get(path, secure=True, headers=headers)

    def read(self, path: str) -> str:
        """What stands on a page, wherever it leads."""
        return str(self.client.get(path, secure=True, follow=True).content.decode())

    def send(self, path: str, seen: str = "", **fields: str) -> Any:
        """Send a form of the page `seen`, that of the same path if none is named."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.read(seen or path))
        fields["csrfmiddlewaretoken"] = token[1] if token else ""
        return self.client.post(path, fields, secure=True, headers={"origin": "https://localhost"})

    def sign_in(self, address: str, password: str = PASSWORD, **fields: str) -> Any:
        """Type address and password."""
        return self.send("/login/", address=address, password=password, **fields)

    @property
    def is_in(self) -> bool:
        """Whether it shows mail."""
        return bool(self.get("/mail/inbox/").status_code == 200)
