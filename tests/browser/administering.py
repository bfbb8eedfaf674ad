"""What stories of administrators in a browser share: their people, and ways through the console."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from playwright.sync_api import APIResponse, Browser, Locator, expect

from tests.browser.conftest import moved_in
from tests.support.installation import PASSWORD, Installation
from tests.support.watching import IS_LONG, Watched, opened

ADMIN, HELPDESK = "alice@weser.test", "helen@weser.test"
MEMBER, READER = "bob@weser.test", "carol@weser.test"
LEAVER = "frank@weser.test"
PEOPLE = (ADMIN, MEMBER, READER, "dave@weser.test", "erin@weser.test", LEAVER, HELPDESK)
SUBJECT, TEXT = "Quokka accounts", "The wombat sleeps at noon"  # of mail that nobody else reads
_LINK = re.compile(r'(?:href|data-url|data-from)="(/[^"#]*)')
# Plain pages come first: these are all of them, and a good part of the lists by their filters.
_MOST = 120


def base_of(service: Installation) -> str:
    return f"https://localhost:{service.ports['WEB']}"


def people(house: Installation) -> Installation:
    """These people are in it, have roles, and a letter that only its reader is to see."""
    service = moved_in(house, PEOPLE)
    service.manage("role", "grant", ADMIN, "domain_admin", "--domain", "weser.test")
    service.manage("role", "grant", HELPDESK, "helpdesk", "--domain", "weser.test", "--may-reset")
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "x@elsewhere.test", READER, SUBJECT
    letter.set_content(TEXT)
    with service.smtp() as client:
        client.send_message(letter)
    service.wait_for(lambda: service.inbox(READER), 60, "the letter does not come", pause=0.2)
    return service


@contextmanager
def at_work(
    service: Installation, chromium: Browser, whom: str = ADMIN, **more: Any
) -> Iterator[Watched]:
    """Somebody at the first page of the console."""
    with opened(chromium, base_of(service), as_whom=whom, reduced_motion="reduce", **more) as seen:
        seen.go("/admin/")
        yield seen


def look_long(seen: Watched) -> None:
    """At pages that are like others: in the long form of the tests alone."""
    if IS_LONG:
        seen.look()


def said(seen: Watched, words: str) -> Locator:
    """What the page says at its lower edge of what was just done."""
    toast = seen.page.locator(".toast", has_text=words)
    expect(toast).to_be_visible()
    return toast


def take_back(seen: Watched, words: str) -> None:
    """Press the Undo that stands with these words."""
    said(seen, words).get_by_role("button", name="Undo").click()


def open_user(seen: Watched, name: str) -> None:
    """By the menu and the list."""
    seen.page.click("nav >> text=Users")
    seen.page.click(f"table >> text={name}")
    expect(seen.page.get_by_role("navigation", name="User", exact=True)).to_be_visible()


def path_of(seen: Watched) -> str:
    return seen.page.url.removeprefix(seen.base)


def path_of_user(seen: Watched, name: str) -> str:
    """Where the page of a user is."""
    seen.go(f"/admin/users/?text={name}")
    there = seen.page.locator("td.full a").first.get_attribute("href")
    assert there is not None
    return there


def post(seen: Watched, path: str, **fields: str) -> APIResponse:
    """What a page of this person would send if it had such a form; redirects are not followed."""
    cookies = {one.get("name"): one.get("value") for one in seen.page.context.cookies()}
    token = next(value for name, value in cookies.items() if name and "csrf" in name)
    return seen.page.request.post(
        seen.base + path,
        form={"csrfmiddlewaretoken": token or "", **fields},
        headers={"Referer": seen.base + path},
        max_redirects=0,
    )


@dataclass
class Walk:
    """Pages by the links of others: what they are, and what stands in them."""

    pages: dict[str, str] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)


def walk(seen: Watched, *begins: str) -> Walk:
    """Every page of the console that somebody gets to by links; plain pages before queries."""
    found, waiting = Walk(), list(begins)
    known = set(waiting)
    while waiting and len(found.pages) < _MOST:
        waiting.sort(key=lambda path: ("?" in path, len(path)))
        path = waiting.pop(0)
        answer = seen.page.request.get(seen.base + path)
        if answer.status != 200:
            found.refused[path] = answer.status
            continue
        found.pages[path] = answer.text()
        if "html" not in answer.headers["content-type"]:
            continue
        for link in map(html.unescape, _LINK.findall(found.pages[path])):
            if link.startswith("/admin/") and link not in known:
                known.add(link)
                waiting.append(link)
    return found


def sign_in(seen: Watched, address: str, password: str) -> None:
    seen.go("/login/")
    seen.page.fill("[name=address]", address)
    seen.page.fill("[name=password]", password)
    seen.page.press("[name=password]", "Enter")


def choose_password(seen: Watched, before: str) -> None:
    """Do what somebody with a temporary password has to do first."""
    expect(seen.page.get_by_text("Somebody else knows your present password")).to_be_visible()
    seen.page.fill("[name=current]", before)
    seen.page.fill("[name=new]", f"{PASSWORD} staple")
    seen.page.fill("[name=again]", f"{PASSWORD} staple")
    seen.page.press("[name=again]", "Enter")
    seen.page.wait_for_url("**/mail/**")


def focused(seen: Watched) -> str:
    """The name of what has the focus, as far as the page says; "" for nothing."""
    script = """() => {
      const one = document.activeElement;
      if (!one || one === document.body) return '';
      return (one.getAttribute('aria-label') || one.textContent || one.name || one.id).trim();
    }"""
    return str(seen.page.evaluate(script))


def has_ring(seen: Watched) -> bool:
    """Whether what has the focus shows it, and stands within the window."""
    script = """() => {
      const one = document.activeElement, look = getComputedStyle(one);
      const at = one.getBoundingClientRect();
      const ring = look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) > 0;
      return (ring || look.boxShadow !== 'none') && at.bottom > 0 && at.top < innerHeight;
    }"""
    return bool(seen.page.evaluate(script))


def tab_to(seen: Watched, name: str, most: int = 80) -> None:
    """Press Tab until something of that name has the focus, which is seen at each step."""
    for _ in range(most):
        seen.page.keyboard.press("Tab")
        where = focused(seen)
        if where:
            assert has_ring(seen), f"no ring round {where}"
        if where == name:
            return
    raise AssertionError(f"no way to {name} by Tab")
