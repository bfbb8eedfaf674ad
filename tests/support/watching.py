"""A page in Debian's Chromium that is watched: what it complains about, what it asks for elsewhere,
whether it can be used by everybody."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from tests.support import laws
from tests.support.installation import PASSWORD

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
SIZES = ((1440, 900), (390, 844))
THEMES: Final[tuple[Literal["light"], Literal["dark"]]] = ("light", "dark")
IS_LONG = bool(os.environ.get(laws.LONG))
# Who signed in once, by browser, address of the service and person: the cookies stay good.
_STATES: dict[tuple[int, str, str], Any] = {}


@dataclass
class Watched:
    """A page, and what it complained about or asked for elsewhere."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    peeks: set[str] = field(default_factory=set)  # what the page looked at anew by itself

    def listen(self) -> None:
        """From now on nothing is missed."""
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("request", self._asked)

    def _said(self, said: ConsoleMessage) -> None:
        # News may come of a message that is gone by the time the page looks at it anew: the page
        # bears that, and the browser writes it into its console by itself.
        is_peek = "404" in said.text and said.location["url"] in self.peeks
        if said.type == "error" and not is_peek:
            self.complaints.append(f"{said.text} {said.location['url']}")

    def _asked(self, asked: Request) -> None:
        if self.base not in asked.url:
            self.strangers.append(asked.url)
        if "x-peek" in asked.headers:
            self.peeks.add(asked.url)

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)

    def sign_in(self, address: str = "alice@example.test") -> None:
        self.go("/login/")
        self.page.fill("[name=address]", address)
        self.page.fill("[name=password]", PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/mail/**")

    def check(self) -> None:
        """Nothing complained, nothing left the house, nothing stands over the edge."""
        assert self.complaints == [], self.complaints
        assert self.strangers == [], self.strangers
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.page.evaluate(wide) <= 0

    def look(self) -> None:
        """Accessible and within the window: at a desk in light, on a phone in the dark; in the long
        form of the tests both in both."""
        self.page.wait_for_load_state("networkidle")
        for number, size in enumerate(SIZES):
            self.page.set_viewport_size({"width": size[0], "height": size[1]})
            for theme in THEMES if IS_LONG else THEMES[number : number + 1]:
                # A colour on its way to another is neither.
                self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                self.check()
                self.check_accessibility()
        self.page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})

    def check_accessibility(self, rules: dict[str, Any] = RULES) -> None:
        found = Axe().run(self.page, options=rules)
        assert found.violations_count == 0, found.generate_report()


@contextmanager
def opened(
    chromium: Browser,
    base: str,
    *,
    size: tuple[int, int] = SIZES[0],
    theme: Literal["light", "dark"] = "light",
    as_whom: str = "",
    **more: Any,
) -> Iterator[Watched]:
    """A page with its own cookies.

    Args:
        as_whom: the address of who is signed in, "" for nobody. It is typed once for a browser and
            a service; later pages bring the cookies that this one was given.
        more: what `Browser.new_context` takes besides.
    """
    if as_whom:
        more["storage_state"] = _state(chromium, base, as_whom)
    context = chromium.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=theme,
        ignore_https_errors=True,
        **more,
    )
    try:
        seen = Watched(context.new_page(), base)
        seen.listen()
        yield seen
    finally:
        context.close()


def _state(chromium: Browser, base: str, address: str) -> Any:
    known = (id(chromium), base, address)
    if known not in _STATES:
        with opened(chromium, base) as first:
            first.sign_in(address)
            _STATES[known] = first.page.context.storage_state()
    return _STATES[known]
