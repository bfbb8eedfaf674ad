"""Takes the pictures of docs/screens from a running demo: `.venv/bin/python -m scripts.screens`.

Needs Debian's chromium and requirements-dev.txt; fonts-noto-cjk and fonts-noto-color-emoji, so that
no name is a row of boxes. The mail is the demo's (docs/demo.md); the pages are the product's.
"""

import json
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import FLAGS
from tests.support.installation import ROOT, installation

SCREENS = ROOT / "docs" / "screens"
SHOWN = "Slow Garden"  # whose letter is opened
OPERATOR = "olga.lind@fernhill.example"


def take(browser: Browser, link: str, name: str, size: tuple[int, int], theme: str) -> None:
    """One picture: the inbox, or where `name` says otherwise, a letter."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
    )
    page = context.new_page()
    page.goto(link)
    page.wait_for_url("**/mail/**")
    if name != "inbox":
        page.locator(".conv", has_text=SHOWN).first.locator("a.conv__subj").click()
        page.wait_for_load_state("networkidle")
    page.screenshot(path=SCREENS / f"{name}.png")
    context.close()


def take_console(browser: Browser, base: str, password: str) -> None:
    """Pictures of what an operator sees: the users, and the own security page."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    page = context.new_page()
    page.goto(f"{base}/login/")
    page.fill("[name=address]", OPERATOR)
    page.fill("[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/mail/**")
    for name, path in (("console", "/admin/users/"), ("security", "/settings/security/")):
        page.goto(base + path)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=SCREENS / f"{name}.png")
    context.close()


def main() -> None:
    """All pictures."""
    SCREENS.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="mailhost-screens-"))
    settings = {"DEMO": "true", "WEB_TLS": "off", "MAIL_HOSTNAME": "mail.fernhill.example"}
    with installation(folder, settings, start=False) as service, sync_playwright() as playwright:
        link = json.loads(service.manage("demo", "--json"))["link"]
        added = service.manage(
            "user", "add", OPERATOR, "--operator", "--name", "Olga Lind", "--json"
        )
        service.start()
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        take(browser, link, "inbox", (1440, 900), "light")
        take(browser, link, "message", (1440, 900), "light")
        take(browser, link, "mobile-dark", (390, 844), "dark")
        base = f"http://localhost:{service.ports['WEB']}"
        take_console(browser, base, json.loads(added)["password"])
        browser.close()
    sys.stdout.write(f"{SCREENS}\n")


if __name__ == "__main__":
    main()
