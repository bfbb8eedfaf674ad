"""A page in Debian's Chromium that is watched: what it complains about, what it asks for elsewhere,
whether it can be used by everybody."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request

from tests.support import laws
from tests.support.installation import PASSWORD

# What is in order is looked at, and not told of: to tell takes longer.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
}
SIZES = ((1440, 900), (390, 844))
THEMES: Final[tuple[Literal["light"], Literal["dark"]]] = ("light", "dark")
IS_LONG = bool(os.environ.get(laws.LONG))
# What has come is drawn.
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
REST_SECONDS = 30.0
# What axe finds. How far a menu of times goes down depends on the hour: what peeps out below it is
# as large as it is, and cannot be pressed before the menu is closed.
FOUND = """rules => axe.run(rules).then(found => {
  const menus = [...document.querySelectorAll('details[open] > .menu__panel')];
  const isAtMenu = one => menus.some(menu => {
    const [at, over] = [one.getBoundingClientRect(), menu.getBoundingClientRect()];
    return !menu.contains(one) && at.left < over.right + 24 && at.right > over.left - 24
      && at.top < over.bottom + 24 && at.bottom > over.top - 24;
  });
  for (const one of found.violations.filter(one => one.id === 'target-size')) {
    one.nodes = one.nodes.filter(node => !isAtMenu(document.querySelector(node.target[0])));
  }
  found.violations = found.violations.filter(one => one.nodes.length);
  return found;
})"""
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
# Who signed in once, by browser, address of the service and person: the cookies stay good.
_STATES: dict[tuple[Browser, str, str], Any] = {}


@dataclass
class Watched:
    """A page, and what it complained about or asked for elsewhere."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    peeks: set[str] = field(default_factory=set)  # what the page looked at anew by itself
    under_way: list[Request] = field(default_factory=list)  # asked for, and not there yet
    looks: int = 0  # how often it was looked at

    def __post_init__(self) -> None:
        self.follow()

    def follow(self) -> None:
        """From now on it is known what is under way to this page."""
        self.under_way.clear()
        self.page.on("request", self._is_due)
        self.page.on("requestfinished", self._has_come)
        self.page.on("requestfailed", self._has_come)

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

    def _is_due(self, asked: Request) -> None:
        if asked.resource_type != "eventsource":  # which stays
            self.under_way.append(asked)

    def _has_come(self, asked: Request) -> None:
        if asked in self.under_way:
            self.under_way.remove(asked)

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)

    def sign_in(self, address: str) -> None:
        self.go("/login/")
        self.page.fill("[name=address]", address)
        self.page.fill("[name=password]", PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/mail/**")

    def rest(self) -> None:
        """Until the page is loaded, nothing is under way that it asked for, and all is drawn."""
        deadline = time.monotonic() + REST_SECONDS
        while not self._is_drawn() or self.under_way:
            assert time.monotonic() < deadline, [one.url for one in self.under_way]

    def _is_drawn(self) -> bool:
        self.page.wait_for_load_state("load")
        try:
            self.page.evaluate(DRAWN)
        except Error as error:
            if "Execution context was destroyed" not in error.message:
                raise
            return False  # another page has come
        return True

    def check(self) -> None:
        """Nothing complained, nothing left the house, nothing stands over the edge."""
        assert self.complaints == [], self.complaints
        assert self.strangers == [], self.strangers
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.page.evaluate(wide) <= 0

    def look(self, *, rests: bool = True) -> None:
        """Within the window at a desk in light and on a phone in the dark, and accessible at one of
        them, by turns: what a page tells to tools is mostly the same at both, and to ask takes half
        a second. In the long form of the tests all of it, both in both.

        Args:
            rests: not so while something is under way all the time, as a file that is uploaded.
        """
        for number, size in enumerate(SIZES):
            self.page.set_viewport_size({"width": size[0], "height": size[1]})
            for theme in THEMES if IS_LONG else THEMES[number : number + 1]:
                # A colour on its way to another is neither.
                self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                if rests:
                    self.rest()
                else:
                    self.page.evaluate(DRAWN)
                self.check()
                if IS_LONG or (self.looks + number) % 2:
                    self.check_accessibility()
        self.looks += 1
        self.page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})

    def check_accessibility(self) -> None:
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        found = AxeResults(self.page.evaluate(FOUND, RULES))
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
        as_whom: the address of who is signed in, "" for nobody. The form is sent once for a
            browser and a service; pages bring the cookies that were the answer.
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
    known = (chromium, base, address)
    if known not in _STATES:
        context = chromium.new_context(ignore_https_errors=True)
        try:
            form = context.request.get(f"{base}/login/").text()
            token = _TOKEN.search(form)
            assert token is not None, form
            answer = context.request.post(
                f"{base}/login/",
                form={"csrfmiddlewaretoken": token[1], "address": address, "password": PASSWORD},
                headers={"Referer": f"{base}/login/"},
                max_redirects=0,
            )
            assert answer.status == 302, answer.text()
            _STATES[known] = context.storage_state()
        finally:
            context.close()
    return _STATES[known]
