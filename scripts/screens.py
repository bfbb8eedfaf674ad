"""Takes the pictures of docs/screens and docs/screenshots from a running demo: `make screenshots`.

docs/screens has the four that the README shows; docs/screenshots has every page at a desk and on a
phone, light and dark, as small JPEG files. Needs Debian's chromium and requirements-dev.txt;
fonts-noto-cjk and fonts-noto-color-emoji, so that no name is a row of boxes. The mail is the demo's
(docs/demo.md); the pages are the product's.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import FLAGS
from tests.support.installation import ROOT, installation

SCREENS: Final = ROOT / "docs" / "screens"
ALL: Final = ROOT / "docs" / "screenshots"
SHOWN: Final = "Slow Garden"  # whose letter is opened
OPERATOR: Final = "olga.lind@fernhill.example"
SIZES: Final = {"desk": (1440, 900), "phone": (390, 844)}
THEMES: Final = ("light", "dark")
QUALITY: Final = 72  # of JPEG: the pages are read, not measured
OWN: Final = {
    "inbox": "/mail/inbox/",
    "starred": "/mail/starred/",
    "search": "/mail/search/?q=garden",
    "folders": "/mail/folders/",
    "labels": "/mail/labels/",
    "removed": "/mail/removed/",
    "contacts": "/mail/contacts/",
    "settings-general": "/settings/general/",
    "settings-identities": "/settings/identities/",
    "settings-vacation": "/settings/vacation/",
    "settings-storage": "/settings/storage/",
}
OPERATORS: Final = {
    "console-users": "/admin/users/",
    "console-audit": "/admin/audit/",
    "settings-security": "/settings/security/",
    "settings-apps": "/settings/apps/",
    "settings-password": "/settings/password/",
    "settings-recovery": "/settings/recovery/",
    "settings-activity": "/settings/activity/",
}


@contextmanager
def look(browser: Browser, size: str, theme: str) -> Iterator[Page]:
    """A page of a browser that is that large and that dark, with cookies of its own."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    yield context.new_page()
    context.close()


def settled(page: Page) -> None:
    """Wait until nothing is loaded any more. An event stream stays open, so not for the network."""
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(400)


def keep(page: Page, name: str, size: str, theme: str) -> None:
    """One picture of docs/screenshots."""
    settled(page)
    page.screenshot(path=ALL / f"{name}-{size}-{theme}.jpg", type="jpeg", quality=QUALITY)


def open_letter(page: Page) -> None:
    """The letter of a conversation that has much to show."""
    page.locator(".conv", has_text=SHOWN).first.locator("a.conv__subj").click()
    page.locator(".mail__read h1").wait_for()


def answer_letter(page: Page) -> None:
    """An answer to it that somebody has begun to write."""
    page.keyboard.press("r")
    page.locator(".composer [contenteditable=true]").click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("Thank you. I will try it with the ferns by the steps first.")
    page.locator(".composer [data-state]", has_text="saved").wait_for()


def take_mail(browser: Browser, link: str) -> None:
    """What a person sees of their mail."""
    for size in SIZES:
        for theme in THEMES:
            with look(browser, size, theme) as page:
                page.goto(link)
                page.wait_for_url("**/mail/**")
                base = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))  # the cookies' host
                for name, path in OWN.items():
                    page.goto(base + path)
                    keep(page, name, size, theme)
                page.goto(f"{base}/mail/inbox/")
                open_letter(page)
                keep(page, "message", size, theme)
                if size == "desk":
                    page.keyboard.press("Control+k")
                    keep(page, "palette", size, theme)
                    page.keyboard.press("Escape")
                answer_letter(page)
                keep(page, "compose", size, theme)


def take_operator(browser: Browser, base: str, password: str) -> None:
    """What an operator sees, and the door by which everybody comes in."""
    for size in SIZES:
        for theme in THEMES:
            with look(browser, size, theme) as page:
                page.goto(f"{base}/login/")
                keep(page, "login", size, theme)
                page.fill("[name=address]", OPERATOR)
                page.fill("[name=password]", password)
                page.keyboard.press("Enter")
                page.wait_for_url("**/mail/**")
                for name, path in OPERATORS.items():
                    page.goto(base + path)
                    keep(page, name, size, theme)


def take_readme(browser: Browser, link: str) -> None:
    """The four of the README that are of somebody's mail."""
    for name, size, theme in (
        ("inbox", "desk", "light"),
        ("message", "desk", "light"),
        ("compose", "desk", "light"),
        ("mobile-dark", "phone", "dark"),
    ):
        with look(browser, size, theme) as page:
            page.goto(link)
            page.wait_for_url("**/mail/**")
            if name != "inbox":
                open_letter(page)
            if name == "compose":
                answer_letter(page)
            settled(page)
            page.screenshot(path=SCREENS / f"{name}.png")


def take_console(browser: Browser, base: str, password: str) -> None:
    """Those of the README that an operator sees: the users, and the own security page."""
    with look(browser, "desk", "light") as page:
        page.goto(f"{base}/login/")
        page.fill("[name=address]", OPERATOR)
        page.fill("[name=password]", password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/mail/**")
        for name, path in (("console", "/admin/users/"), ("security", "/settings/security/")):
            page.goto(base + path)
            settled(page)
            page.screenshot(path=SCREENS / f"{name}.png")


def main() -> None:
    """All pictures."""
    for folder in (SCREENS, ALL):
        folder.mkdir(exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="mailhost-screens-"))
    settings = {"DEMO": "true", "WEB_TLS": "off", "MAIL_HOSTNAME": "mail.fernhill.example"}
    with installation(place, settings, start=False) as service, sync_playwright() as playwright:
        link = json.loads(service.manage("demo", "--json"))["link"]
        added = service.manage(
            "user", "add", OPERATOR, "--operator", "--name", "Olga Lind", "--json"
        )
        service.start()
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        base = f"http://localhost:{service.ports['WEB']}"
        password = json.loads(added)["password"]
        take_readme(browser, link)
        take_console(browser, base, password)
        take_mail(browser, link)
        take_operator(browser, base, password)
        browser.close()
    sys.stdout.write(f"{SCREENS}\n{ALL}\n")


if __name__ == "__main__":
    main()
