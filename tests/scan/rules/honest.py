"""Honest mail of many kinds and languages, as it comes every day. Invented, all of it."""

from email.header import Header
from pathlib import Path
from typing import Any

from tests.scan.rules.examples import LIST, Example
from tests.scan.rules.mail import listed, mail, proven, unproven, vouched

_PREHEADER = "Spring is here: our ten best bulbs for balconies" + "\u200c\u00a0" * 90
NEWSLETTER = f"""<html><head><title>Green news</title><style>p {{color: #333}} .m {{display:none}}
</style></head><body style="background-color:#f4f4f4;margin:0">
<div style="display:none;max-height:0;overflow:hidden">{_PREHEADER}</div>
<!--[if mso]><table><tr><td><![endif]-->
<table width="600" bgcolor="#ffffff"><tr><td style="font-size:0;line-height:0"><img
 src="https://img.shop.test/o.gif?u=1" width="1" height="1"></td></tr>
<tr><td bgcolor="#006633" style="color:#ffffff;font-size:22px">Green news for March</td></tr>
<tr><td><a href="https://news.shop.test/c/1"><img src="https://img.shop.test/1.jpg" width="560"
 height="200" alt="Bulbs"></a>
<p style="font-size:14px">Dear gardener, tulips, crocuses and daffodils want to be planted as soon
as the soil is soft. We show you how deep, how far apart, and which kinds come back every year.</p>
<p><a href="https://news.shop.test/c/2">Read on</a> or <a href="https://news.shop.test/c/3">look at
our offers: 20 % off all bulbs until Sunday!</a></p></td></tr>
<tr><td style="font-size:11px;color:#888888">You get this letter because you are a customer.
<a href="https://news.shop.test/u/1">Unsubscribe</a>. Shop Ltd, 1 Garden Road</td></tr></table>
</body></html>"""
NOTICE = """<html><body><p>Dear Ms Example,</p><p>we noticed a sign in from a new device on
25 November at 19:02 from Vienna. If this was you, there is nothing to do.</p><p>If it was not, open
the app, or see <a href="https://www.bank.test/safety">www.bank.test/safety</a>. We never ask for
your password or a TAN by mail.</p><p>Your bank</p></body></html>"""

_OURS = {"ours": ["example.test"]}
_MARKETING: dict[str, Any] = {
    "list_unsubscribe": "<https://news.shop.test/u>",
    "from_": "Shop <news@shop.test>",
}

HONEST = {
    "a short letter": Example(mail()),
    "one word": Example(mail("ok\r\n", subject="Re: Lunch", in_reply_to="<1@example.test>")),
    "only a picture of the family": Example(mail("", file=("IMG_2041.jpg", b"\xff\xd8\xff\xe0"))),
    "no subject": Example(mail("See you there.\r\n", subject=None)),
    "a newsletter": Example(
        mail("", html=NEWSLETTER, subject="Green news for March 🌷", **_MARKETING),
        proven("shop.test"),
    ),
    "a newsletter with plain text": Example(
        mail(
            "Green news for March\r\n\r\nDear gardener, tulips, crocuses and daffodils want to be"
            " planted as soon as the soil is soft. We show you how deep, how far apart.\r\n\r\nRead"
            " on: https://news.shop.test/c/1\r\n\r\nUnsubscribe: https://news.shop.test/u/1\r\n",
            html=NEWSLETTER,
            **_MARKETING,
        ),
        proven("shop.test"),
    ),
    "a login code": Example(
        mail(
            "Your verification code is 482 913. Do not give it to anybody.",
            subject="482 913 is your code",
            from_="Forge <no-reply@forge.test>",
            auto_submitted="auto-generated",
        ),
        proven("forge.test"),
    ),
    "a login code in German": Example(
        mail(
            "Ihr Sicherheitscode lautet: 734921. Er gilt 10 Minuten.",
            subject="Ihr Sicherheitscode",
            from_="Konto <service@konto.test>",
        ),
        proven("konto.test"),
    ),
    "a login code in Japanese": Example(
        mail("認証コード: 839201\r\n10分以内に入力してください。", subject="認証コード"),
        proven("friend.test"),
    ),
    "a notice of a bank": Example(
        mail("", html=NOTICE, subject="New sign in", from_="Your Bank <info@bank.test>"),
        proven("bank.test"),
    ),
    "an order": Example(
        mail(
            "Thank you for your order. Your order number: A-4711-2025. It has been shipped:"
            " https://track.shop.test/4711",
            subject="Order confirmation A-4711-2025",
            from_="Shop <orders@shop.test>",
        ),
        proven("shop.test"),
    ),
    "a parcel": Example(
        mail(
            "Your parcel comes tomorrow between 9 and 12. https://parcel.test/t/123456",
            from_="Parcels <noreply@parcel.test>",
        ),
        proven("parcel.test"),
    ),
    "a post of a list, whose footer broke the signature": Example(
        mail(subject="[gardeners] Lunch", precedence="list", **LIST),
        listed("lists.test", "friend.test"),
    ),
    "a post of a user of ours to a list": Example(
        mail(from_="Carol <carol@example.test>", precedence="list", **LIST),
        listed("lists.test", "example.test"),
        _OURS | {"list": True},
    ),
    "a group that writes in the name of its members": Example(
        mail(from_="'bob@friend.test' via Gardeners <gardeners@lists.test>", **LIST),
        proven("lists.test"),
    ),
    "a forward by a server that vouches": Example(
        mail(subject="Fwd: Lunch", x_forwarded_to="alice@example.test"),
        vouched("mail.test", "friend.test"),
    ),
    "a letter of a domain without any record": Example(mail(), unproven("friend.test")),
    "a club that is answered at a free mail provider": Example(
        mail(from_="Chess Club <info@chess.test>", reply_to="chess.club.x@gmail.com"),
        proven("chess.test"),
    ),
    "an invoice as a file": Example(
        mail(
            "Sehr geehrte Frau Muster,\r\n\r\nanbei die Rechnung für November. Vielen Dank für"
            " Ihren Auftrag.\r\n\r\nMit freundlichen Grüßen\r\nM. Maler\r\n",
            subject="Rechnung 2025-11-204",
            file=("Rechnung_2025-11-204.pdf", b"%PDF-1.7"),
        ),
    ),
    "plans in an archive": Example(
        mail("Hi Alice, the plans of the second floor, as we said. Bob", file=("plans.zip", b"PK")),
    ),
    "a ticket of a forge": Example(
        mail(
            "@bob commented on this pull request.\r\n\r\n> return None\r\n\r\nWhy not False?\r\n",
            from_="Bob Builder <notifications@forge.test>",
            reply_to="forge/mailhost <reply+AB3XD7F2LQ@reply.forge.test>",
            subject="Re: [forge/mailhost] Return None (PR #12)",
            in_reply_to="<forge/mailhost/pull/12@forge.test>",
            list_id="forge/mailhost <mailhost.forge.forge.test>",
            list_unsubscribe="<https://forge.test/u>",
            precedence="list",
        ),
        proven("forge.test"),
    ),
    "a relayed letter of a marketplace": Example(
        mail(
            "Is the bicycle still there? I could come on Friday.",
            from_='"Bob by Market" <m-3f9a1c7be2d84f@reply.market.test>',
        ),
        proven("market.test"),
    ),
    "an invitation": Example(
        mail("Lunch\r\nThursday 27 Nov 2025 12:00 - 13:00\r\n", subject="Invitation: Lunch @ Thu"),
    ),
    "an absence": Example(
        mail(
            "I am away until Monday. In urgent cases call my office.",
            subject="Automatic reply: Lunch",
            auto_submitted="auto-replied",
            in_reply_to="<1@example.test>",
        ),
    ),
    "a bounce of what was sent from here": Example(
        mail(
            "This is the mail system. Your message could not be delivered.",
            from_="Mail Delivery System <MAILER-DAEMON@friend.test>",
            auto_submitted="auto-replied",
            subject="Undelivered Mail Returned to Sender",
        ),
        given={"returned": True},
        more={"sender": ""},
    ),
    "the output of a job of this host": Example(
        mail(
            "0 files removed\r\n",
            from_="root@example.test (Cron Daemon)",
            subject="Cron <root@host> /usr/sbin/tidy",
            auto_submitted="auto-generated",
        ),
        None,
        _OURS,
    ),
    "a scanner": Example(
        mail("", subject="Scan from MFP-2", file=("scan0001.pdf", b"%PDF")), unproven("friend.test")
    ),
    "emoji": Example(mail("Yes! 👍🏽 👩‍👩‍👧 ❤️ see you 😀\r\n", subject="Lunch 🥗 ❤️")),
    "a user of ours who sends": Example(
        mail(from_="Alice <alice@example.test>", to="bob@friend.test", message_id=None),
        None,
        _OURS,
        {"user_id": 7, "door": "submission", "sender": "alice@example.test"},
    ),
}

_CHARSETS = {
    "Ukrainian": ("koi8-u", "8bit"),
    "Chinese in its own character set": ("gb2312", "base64"),
    "Japanese": ("iso-2022-jp", "7bit"),
}


def _languages() -> dict[str, Example]:
    """Letters in other languages: the lines of languages.txt."""
    found = {}
    text = Path(__file__).with_name("languages.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        name, subject, said = line.split(" | ")
        charset, encoding = _CHARSETS.get(name, ("utf-8", "8bit"))
        written = str(Header(subject, charset).encode())
        found[name] = Example(
            mail(f"{said}\r\n", subject=written, charset=charset, encoding=encoding)
        )
    return found


HONEST |= _languages()

# Honest, and near what thieves write: not to be filed as junk, whatever else is found.
DIFFICULT = {
    "a physician about a medicine": Example(
        mail(
            "Dear colleague,\r\n\r\nthe patient has taken sildenafil (Viagra) since 2019 and has no"
            " complaints; please see the laboratory values. Weight is stable.\r\n\r\nDr Bob\r\n"
        )
    ),
    "a notary about an estate": Example(
        mail(
            "Dear Ms Example,\r\n\r\nin the matter of the estate of your late aunt we have found"
            " that you are her next of kin. Her house is worth about a million euros. The matter is"
            " strictly confidential; please call my office.\r\n\r\nBob, notary\r\n"
        )
    ),
    "a bank that locked a card": Example(
        mail(
            "We noticed unusual activity and your account has been locked. Confirm your identity in"
            " our app or at https://www.bank.test/unlock within 24 hours.",
            from_="Your Bank <info@bank.test>",
        ),
        proven("bank.test"),
    ),
    "a uncle who shouts": Example(
        mail(
            "HELLO ALICE! AUNT MARY AND I ARE COMING ON THURSDAY. PLEASE BUY BREAD AND MILK. " * 4,
            subject="WE ARE COMING ON THURSDAY!!!",
        ),
        unproven("friend.test"),
    ),
    "a colleague who writes from home": Example(
        mail(
            "Hi, I am ill and stay at home today. Carol",
            from_="Carol Chief <carol.chief@gmail.com>",
            subject="Ill today",
        ),
        proven("gmail.com"),
        {
            "colleagues": [
                {
                    "name": "Carol Chief",
                    "shown": "carol@example.test",
                    "address": "carol@example.test",
                    "organization": 1,
                }
            ]
        },
    ),
    "somebody who asks about a talk on extortion": Example(
        mail(
            "Hi, for my talk I collect such mails: they say they recorded a video of you and want"
            " bitcoin. Do you have one? Bob"
        )
    ),
    "a shop that sends a link and nothing else": Example(
        mail("https://shop.test/w/1\r\n", subject="Your wish list"), proven("friend.test")
    ),
}
