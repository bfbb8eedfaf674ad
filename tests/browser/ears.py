"""Who would hear if a message got out: a server that every connection is told of, the browser's own
log of names, and marks that a script would leave in the page."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page

from tests.support.watching import Watched, opened

# What must not be in a document, a page of ours or a body in its frame: markup of a stranger, code,
# targets that are code, and what code would have left behind.
FAULTS: Final = """() => {
  const found = [];
  if (document.querySelector('mh-canary, [mh-canary]')) found.push('an element of a stranger');
  for (const one of document.querySelectorAll('*')) {
    for (const {name, value} of one.attributes) {
      if (/^on/i.test(name)) found.push(`${one.localName} ${name}`);
      if (name === 'srcdoc') found.push(name);
      if (name === 'hx-get' && !value.startsWith('/')) found.push(`${name} ${value}`);
    }
    const isCode = one.localName === 'script' && !one.src.startsWith(location.origin + '/');
    if (isCode) found.push('script ' + one.src);
    if (one.localName === 'base' || one.localName === 'object' || one.localName === 'embed') {
      found.push(one.localName);
    }
    const isBody = location.pathname.includes('/body/');
    if (isBody && one.matches('link, form, input, svg, math, iframe, dialog')) {
      found.push(one.localName);
    }
    if (one.localName === 'meta' && one.httpEquiv) found.push('meta ' + one.httpEquiv);
  }
  for (const link of document.links) {
    if (!['http:', 'https:', 'mailto:', 'tel:'].includes(link.protocol)) found.push(link.href);
  }
  if (document.title === 'owned' || window.owned) found.push('title');
  try {
    if (localStorage.owned || /owned/.test(document.cookie)) found.push('storage');
  } catch { /* a document of nobody */ }
  return found;
}"""
# Boxes that are not where the flow put them, in a document of a stranger.
MOVED: Final = """() => [...document.querySelectorAll('body, body *')].filter(one => {
  const look = getComputedStyle(one);
  const isOurs = one.closest('.mh-note') || one.matches('img:not([src])');
  return !isOurs && (look.position !== 'static' || look.transform !== 'none'
    || look.translate !== 'none' || look.zIndex !== 'auto' || look.scale !== 'none');
}).map(one => one.outerHTML.slice(0, 200))"""
# Every fifth point of the bars above a message belongs to them, and the frames are within it.
COVERED: Final = """() => {
  const found = [];
  const bars = [...document.querySelectorAll('.mail__read > .bar, header.top, .msg__head')];
  for (const bar of bars) {
    bar.scrollIntoView({block: 'nearest'});
    const box = bar.getBoundingClientRect();
    for (let x = box.left + 2; x < box.right - 2; x += 5) {
      const at = document.elementFromPoint(x, box.top + box.height / 2);
      if (at && at.closest('iframe')) found.push(bar.className);
    }
  }
  for (const frame of document.querySelectorAll('iframe.msg__frame')) {
    const inner = frame.getBoundingClientRect();
    const outer = frame.closest('article').getBoundingClientRect();
    const over = inner.left < outer.left - 1 || inner.right > outer.right + 1
      || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1;
    if (over) found.push('a frame is larger than its message');
  }
  return found;
}"""
# A picture that our own host could not fetch is no complaint about the message.
_BORNE: Final = re.compile(
    r"Failed to load resource: .* https://localhost:\d+/(?:favicon.ico|(?:img|mail/\S+/inline)/\S*)"
)


class Ear:
    """A server on loopback that keeps the beginning of whatever is said to it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)  # or accept() waits on behind close()
        self._server.close()
        self._thread.join(30)

    def _serve(self) -> None:
        while True:
            try:
                taken, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._listen, args=(taken,), daemon=True).start()

    def _listen(self, taken: socket.socket) -> None:
        with taken:
            taken.settimeout(2)
            said = len(self.heard)
            self.heard.append(b"")  # a mere connection (preconnect) counts
            try:
                self.heard[said] = taken.recv(65_536)
                page = b"<!doctype html><p>heard<img src=http://control.leak.invalid/>"
                answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
                taken.sendall(answer % len(page) + page)
            except OSError:
                return


@dataclass
class Guard:
    """A watched page beside an ear; `check` says what got out, if anything did."""

    watched: Watched
    ear: Ear
    popups: list[str] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)

    @property
    def page(self) -> Page:
        return self.watched.page

    def go(self, path: str) -> str:
        """Open an address of ours; the policy that its answer has."""
        response = self.page.goto(self.watched.base + path)
        assert response is not None, path
        assert response.status == 200, (path, response.status)
        return response.headers.get("content-security-policy", "")

    def check(self, where: str) -> None:
        """Nothing ran, nothing was asked for, nothing became markup, in the page and its frames;
        and no policy had to stop anything."""
        watched = self.watched
        for frame in self.page.frames:
            assert frame.url.startswith((watched.base, "about:blank")), (where, frame.url)
            assert frame.evaluate(FAULTS) == [], (where, frame.url)
        said = [one for one in watched.complaints if not _BORNE.match(one)]
        assert said == [], (where, said)
        assert watched.strangers == [], where
        assert self.ear.heard == [], where
        assert self.popups == [], where
        assert self.downloads == [], where

    def check_frames(self, where: str) -> None:
        """Also: the frames are in their places, closed, and nothing lies over the page's bars."""
        frames = self.page.locator("iframe")
        for at in range(frames.count()):
            sandbox = (frames.nth(at).get_attribute("sandbox") or "allow-scripts").split()
            assert sorted(sandbox) == [
                *("allow-popups", "allow-popups-to-escape-sandbox", "allow-same-origin"),
            ], where
        assert self.page.evaluate(COVERED) == [], where
        self.check(where)


@contextmanager
def guarded(chromium: Browser, base: str, ear: Ear, **more: object) -> Iterator[Guard]:
    """A page of Alice's with all its ears open; `more` is for `opened`."""
    with opened(chromium, base, **{"as_whom": "alice@havel.test", **more}) as watched:  # type: ignore[arg-type]  # a test's keywords
        guard = Guard(watched, ear)
        context = watched.page.context
        context.on("page", lambda page: guard.popups.append(page.url))
        # The page stands still until somebody answers; `Watched` has written it down.
        watched.page.on("dialog", lambda one: one.dismiss())
        watched.page.on("download", lambda one: guard.downloads.append(one.url))
        yield guard


def looked_up(log: Path) -> set[str]:
    """Hosts that a browser looked up, from its own log (`--log-net-log`)."""
    hosts = re.findall(r'"host":"(?:https?://)?([^"/]*)"', log.read_text(errors="replace"))
    return {re.sub(r":\d+$", "", host) for host in hosts}
