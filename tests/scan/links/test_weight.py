"""What links and names come to together: honest mail has next to nothing, phishing has plenty."""

import pytest

from apps.scan.base import Case, Finding, Reader
from apps.scan.links.check import Links
from apps.scan.lookalikes.check import Lookalikes
from tests.scan.cases import case

ALICE = Reader(7, "alice@example.test", "alice@example.test", "example.test", 1)
NEXT_TO_NOTHING = 1.0
PLENTY = 5.0  # what makes junk

# Author, what is proven, body; HTML if it begins with "<".
HONEST = {
    "a newsletter that counts clicks": (
        "Shop <news@shop.com>",
        "shop.com",
        '<a href="https://click.esp-mail.net/f/a/x1">www.shop.com</a> Three new shoes for autumn.'
        ' <a href="https://click.esp-mail.net/f/a/x2">https://www.shop.com/leave</a>'
        ' <a href="https://click.esp-mail.net/f/a/x3">Leave</a>',
    ),
    "a digest of many sites": (
        "Digest <digest@news.org>",
        "news.org",
        "<p>Today's stories.</p>"
        + "".join(f'<a href="https://www.site{n}.com/story">Story {n}</a> ' for n in range(60)),
    ),
    "an invitation": (
        "Carol Clark <carol@partner.com>",
        "google.com",
        '<a href="https://www.google.com/url?q=https%3A%2F%2Fzoom.us%2Fj%2F1&sa=D">Join</a> the'
        ' meeting on Tuesday at ten, <a href="https://calendar.google.com/x">More</a>',
    ),
    "mail that a gateway has rewritten": (
        "Max <max@partner.com>",
        "partner.com",
        "<p>The minutes of the meeting are here, please read them until Monday.</p>"
        '<a href="https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwiki.firm.com'
        '%2Fm&data=05%7C01">https://wiki.firm.com/m</a>',
    ),
    "a new password": (
        "Example <no-reply@service.io>",
        "service.io",
        "Somebody asked for a new password for alice@example.test.\r\nIf it was you, open\r\n"
        "https://app.service.io/reset?user=alice%40example.test&token=8f2c\r\nwithin one hour.",
    ),
    "a post to a list": (
        "Dave <dave@kernel.net>",
        "lists.org",
        "> See http://user.lists.org:8080/x, or 10.0.0.1\r\nNo: https://git.kernel.net/a?h=v6.1#n42"
        "\r\nhttps://lore.lists.org/r/20261124.1@kernel.net\r\n-- \r\nhttp://www.lists.org/faq",
    ),
    "a document": (
        "Eve <eve@firm.de>",
        "firm.de",
        "<p>Hallo Alice, anbei der Bericht zum dritten Quartal wie besprochen.</p>"
        '<a href="https://files.firm.de/d/81">Bericht-Q3.pdf</a> <a href="tel:+49301">Anruf</a>'
        ' <a href="mailto:eve@firm.de">eve@firm.de</a> <a href="https://www.firm.de">firm.de</a>',
    ),
    "a brand itself": (
        "PayPal <service@intl.paypal.com>",
        "paypal.com",
        '<p>You sent 12.00 EUR to Shop.</p><a href="https://www.paypal.com/activity">PayPal.com</a>'
        ' <a href="https://epl.paypal-communication.com/x">Help</a>',
    ),
    "a name of another script": (
        "\u041d\u043e\u0432\u043e\u0441\u0442\u0438 <news@xn--80adxhks.com>",
        "xn--80adxhks.com",
        "\u0421\u0435\u0433\u043e\u0434\u043d\u044f \u0432 \u0433\u043e\u0440\u043e\u0434\u0435:"
        " https://\u043c\u043e\u0441\u043a\u0432\u0430.com/\u043d\u043e\u0432\u043e\u0441\u0442\u0438",
    ),
    "help with a router": (
        "Bob <bob@friend.net>",
        "friend.net",
        "Open http://192.168.178.1/ and, if that fails, http://fritz.box or http://[fd00::1]:8080/",
    ),
}
PHISHING = {
    "a bank whose link shows another": (
        "Bank <service@bank-mail.top>",
        "bank-mail.top",
        '<p>Your account is limited.</p><a href="http://bank.com.account-check.top/#YWxpY2VAZXhhbXBs'
        'ZS50ZXN0">https://www.bank.com/login</a>',
    ),
    "a brand that is none": (
        '"PayPal Service" <service@paypa1-support.com>',
        "paypa1-support.com",
        '<p>We noticed something.</p><a href="https://paypa1-support.com/x">Confirm</a>'
        ' or <a href="https://bit.ly/3x">here</a> <a href="https://www.paypal.com.verify.top">x</a>',
    ),
    "a hidden address": (
        "Support <it@random.top>",
        "random.top",
        '<p>Your mailbox is full.</p><a href="http://www.example.test@0xcb007105/webmail">'
        "https://mail.example.test/</a>",
    ),
    "letters of another script": (
        "Apple <id@xn--80ak6aa92e.com>",
        "xn--80ak6aa92e.com",
        '<p>Your Apple ID is locked.</p><a href="https://\u0430\u0440\u0440\u04cf\u0435.com/id">'
        "Unlock</a>",
    ),
    "a share of Windows": (
        "Carol <carol@random.top>",
        "random.top",
        '<p>The file you asked for.</p><a href="file://files.random.top/s/Invoice.scr">'
        "https://www.dropbox.com/s/Invoice.pdf</a>",
    ),
}


def sample(author: str, proven: str, body: str) -> Case:
    kind = "html" if body.startswith("<") else "plain"
    head = f"From: {author}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
    proof = {"authentication": {"dkim": [{"result": "pass", "domain": proven}]}}
    return case(ALICE, raw=f"{head}\r\n{body}\r\n".encode(), judgement=proof)


def findings(one: Case) -> list[Finding]:
    return [*Links().judge(one, None), *Lookalikes().judge(one, None)]


@pytest.mark.parametrize("name", HONEST)
def test_it_has_next_to_nothing_against_honest_mail(name: str) -> None:
    found = findings(sample(*HONEST[name]))
    assert sum(one.points for one in found) <= NEXT_TO_NOTHING, found


@pytest.mark.parametrize("name", PHISHING)
def test_it_files_phishing_by_links_and_names_alone(name: str) -> None:
    found = findings(sample(*PHISHING[name]))
    assert sum(one.points for one in found) >= PLENTY, found
