"""Takes the pictures of docs/screens from a real service: `.venv/bin/python -m scripts.screens`.

Needs Debian's chromium and requirements-dev.txt. The mail is made up; the pages are the product's.
"""

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import FLAGS
from tests.support.installation import PASSWORD, ROOT, Installation, installation

SCREENS = ROOT / "docs" / "screens"
READER = "maya@fernhill.example"
LETTERS = (
    ("Coastline Rail", "bookings@coastline.example", "Your booking: Leeds to York, 26 November"),
    ("Lena Fischer", "lena@kite.example", "Lunch on Friday?"),
    ("Buildkeep", "ci@buildkeep.example", "Pipeline failed: website / main"),
    ("Jonas Weber", "jonas@weber.example", "Re: Contract, two small changes"),
    ("Harbour Bank", "statements@harbour.example", "Your October statement is ready"),
    ("Nadia Haddad", "nadia@haddad.example", "Can you look at the Cole Street tender?"),
)
LINES = "They need the drawings by the 2nd, so we would have to start this week.\n\nBest,\n"
NEWSLETTER = (
    '<div style="max-width:560px;margin:0 auto;padding:32px 36px;background:#f3f1e8;'
    'font:16px/1.6 Georgia,serif;color:#26302a"><p style="font:700 13px Arial;'
    'letter-spacing:2px;color:#4b6b3c">SLOW GARDEN</p><h1 style="font-size:28px;'
    'line-height:1.2">What to cut back, and what to leave standing</h1><p>Seed heads feed '
    "finches into January, and hollow stems are where next year's ladybirds sleep. Before you "
    "reach for the shears, a short list of plants that earn their winter place.</p>"
    '<img src="https://slowgarden.example/open.gif"><p><a href="https://slowgarden.example/">'
    "Read the list</a></p></div>"
)


def letter(name: str, address: str, subject: str) -> EmailMessage:
    """A short message as people write them."""
    message = EmailMessage()
    message["From"], message["To"] = f"{name} <{address}>", f"Maya Okafor <{READER}>"
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime.now(UTC) - timedelta(minutes=8))
    message.set_content(LINES + name.split()[0] + "\n")
    return message


def deliver(service: Installation) -> None:
    """Send the mail and wait until it is there."""
    newsletter = letter("Slow Garden", "weekly@slowgarden.example", "What to leave standing")
    newsletter.add_alternative(NEWSLETTER, subtype="html")
    newsletter.add_attachment(b"%PDF-1.7\n" + b"x" * 240_000, "application", "pdf",
                              filename="planting-plan-v4.pdf")  # fmt: skip
    messages = [*(letter(*row) for row in LETTERS), newsletter]
    with service.smtp() as client:
        for message in messages:
            client.send_message(message)
    service.wait_for(lambda: len(service.inbox(READER)) == len(messages), 30, "mail is missing")


def take(browser: Browser, base: str, name: str, size: tuple[int, int], theme: str) -> None:
    """One picture: the inbox, or the newsletter where `name` says message."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
        ignore_https_errors=True,
    )
    page = context.new_page()
    page.goto(base + "/login/")
    page.fill("[name=address]", READER)
    page.fill("[name=password]", PASSWORD)
    page.click("button.btn--primary")
    page.wait_for_url("**/mail/**")
    if name != "inbox":
        page.click("a.conv__subj:text-is('What to leave standing')")
        page.wait_for_load_state("networkidle")
    page.screenshot(path=SCREENS / f"{name}.png")
    context.close()


def main() -> None:
    """All pictures."""
    SCREENS.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="mailhost-screens-"))
    with installation(folder) as service, sync_playwright() as playwright:
        service.add_people(READER)
        deliver(service)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        base = f"https://localhost:{service.ports['WEB']}"
        take(browser, base, "inbox", (1440, 900), "light")
        take(browser, base, "message", (1440, 900), "light")
        take(browser, base, "mobile-dark", (390, 844), "dark")
        browser.close()
    sys.stdout.write(f"{SCREENS}\n")


if __name__ == "__main__":
    main()
