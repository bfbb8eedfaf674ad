"""For every rule a message that it names; the rest of each is as honest as can be."""

from dataclasses import dataclass, field
from typing import Any

from apps.mailauth.types import Authentication, Dkim, Dmarc, Policy, Result, Spf
from apps.scan.rules.bodies import GTUBE
from tests.scan.rules.mail import PROVEN, TEXT, failed, listed, mail, proven, unproven, vouched

LINK = "\r\nhttps://www.thief.test/a?b=1\r\n"
UNPROVEN = unproven("friend.test")
COLLEAGUE = {
    "name": "Carol Chief",
    "shown": "Carol@example.test",
    "address": "carol@example.test",
    "organization": 1,
}
WORDS = " ".join(f"word{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(60))
SALAD = " ".join(f"salad{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(60))
LIST: dict[str, Any] = {
    "list_id": "Gardeners <gardeners.lists.test>",
    "list_post": "<mailto:g@lists.test>",
}


@dataclass(frozen=True)
class Example:
    """A message, what its door found, what was looked up."""

    raw: bytes
    found: Authentication | None = PROVEN
    given: dict[str, Any] | None = None
    more: dict[str, Any] = field(default_factory=dict)


def _ours(*domains: str) -> dict[str, Any]:
    return {"ours": list(domains)}


AUTHENTICATION = {
    "AUTH_DMARC_FAIL": Example(mail(), failed("friend.test")),
    "AUTH_DMARC_FAIL_STRICT": Example(mail(), failed("friend.test", Policy.REJECT)),
    "AUTH_SPF_FAIL": Example(mail(), Authentication(spf=Spf(Result.FAIL, "friend.test"))),
    "AUTH_SPF_SOFTFAIL": Example(mail(), Authentication(spf=Spf(Result.SOFTFAIL, "friend.test"))),
    "AUTH_DKIM_BROKEN": Example(mail(), Authentication(dkim=(Dkim(Result.FAIL, "friend.test"),))),
    "AUTH_NOTHING": Example(mail(), UNPROVEN),
    "AUTH_AUTHOR_UNCLEAR": Example(
        mail(), Authentication(dmarc=Dmarc(reason="the From field names several domains"))
    ),
    "AUTH_DMARC_PASS": Example(mail()),
    "AUTH_VOUCHED": Example(mail(), vouched("lists.test", "friend.test")),
    "CLIENT_LISTED": Example(mail(), more={"listed": "is listed by zen.test"}),
    "CLIENT_ALLOWED": Example(mail(), more={"allowed": "good.test"}),
    "CLIENT_DOUBTFUL": Example(mail(), more={"doubts": ["has an address without a name"]}),
}
AUTHORS = {
    "FROM_NONE": Example(mail(from_=None)),
    "FROM_NO_NAME": Example(mail(from_="bob@friend.test")),
    "FROM_SEVERAL": Example(mail(from_="a@friend.test, b@friend.test")),
    "FROM_OURS_UNPROVEN": Example(
        mail(from_="alice@example.test"), unproven("example.test"), _ours("example.test")
    ),
    "FROM_OURS_BY_LIST": Example(
        mail(from_="carol@example.test", **LIST),
        listed("lists.test", "example.test"),
        _ours("example.test") | {"list": True},
    ),
    "FROM_NAME_OURS": Example(
        mail(from_='"example.test support" <x@thief.test>'), given=_ours("example.test")
    ),
    "FROM_NAME_ADDRESS": Example(mail(from_='"service@bank.test" <x@thief.test>')),
    "FROM_COLLEAGUE": Example(
        mail(from_="Carol Chief <carol@thief.test>"), given={"colleagues": [COLLEAGUE]}
    ),
    "FROM_RANDOM": Example(mail(from_="a8f3kq2l9x0z@friend.test"), UNPROVEN),
    "REPLY_TO_FREEMAIL": Example(mail(reply_to="barrister.smith@gmail.com")),
    "REPLY_TO_STRANGER": Example(
        mail(from_="info@gmail.com", reply_to="mr.li@outlook.com"), proven("gmail.com")
    ),
    "REPLY_TO_ELSEWHERE": Example(mail(reply_to="bob@other-company.test")),
}
HEADERS = {
    "HEADER_NONE": Example(b"\r\nHello.\r\n"),
    "HEADER_NO_DATE": Example(mail(date=None)),
    "HEADER_BAD_DATE": Example(mail(date="yesterday or so")),
    "HEADER_FUTURE_DATE": Example(mail(date="Mon, 01 Dec 2031 08:00:00 +0000")),
    "HEADER_OLD_DATE": Example(mail(date="Mon, 01 Dec 2014 08:00:00 +0000")),
    "HEADER_NO_ID": Example(mail(message_id=None)),
    "HEADER_BAD_ID": Example(mail(message_id="<12345>")),
    "HEADER_NO_TO": Example(mail(to=None)),
    "HEADER_HIDDEN_TO": Example(mail(to="undisclosed-recipients:;")),
    "HEADER_MANY_TO": Example(mail(to=", ".join(f"u{number}@x.test" for number in range(50)))),
    "HEADER_DOUBLED": Example(b"Subject: You\r\n" + mail()),
    "HEADER_DAMAGED": Example(b"X-A: \0\r\n" + mail()),
    "HEADER_NOT_ENCODED": Example(b"Subject: \xff\xfe\xe4\r\n" + mail(subject=None)),
    "HEADER_CHARSET_MIX": Example(mail(subject="=?koi8-r?B?8NLJ18XU?=", charset="big5")),
    "HEADER_FALSE_ANSWER": Example(mail(subject="Re: your order")),
    "HEADER_FALSE_PROGRAM": Example(mail(x_mailer="Apple Mail (2.3731.700.6)")),
    "HEADER_FALSE_RECEIVED": Example(mail(received="from a.test by b.test with ESMTP id 1")),
    "HEADER_CALLED_SPAM": Example(mail(x_spam_flag="YES")),
    "HEADER_URGENT": Example(mail(x_priority="1 (Highest)")),
    "SUBJECT_NONE": Example(mail(subject=None)),
    "SUBJECT_CAPITALS": Example(mail(subject="READ THIS LETTER FROM ME NOW")),
    "SUBJECT_SHOUTS": Example(mail(subject="Lunch!!!")),
    "SUBJECT_FANCY": Example(
        "Subject: \U0001d413\U0001d428\U0001d41d\U0001d41a\U0001d432\r\n".encode()
        + mail(subject=None)
    ),
    "SUBJECT_PADDED": Example(mail(subject="Low prices" + " " * 40 + "xqzt71")),
    "SUBJECT_DISGUISED": Example(
        "Subject: Your p\u0430ypal account\r\n".encode() + mail(subject=None)
    ),
    "SUBJECT_NAMES_MAILBOX": Example(mail(subject="alice, your parcel")),
}
TEXTS = {
    "TEXT_ADVANCE_FEE": Example(
        mail(
            "I am the lawyer of a deceased customer. As next of kin you get the inheritance fund of"
            " 10.5 million dollars."
        )
    ),
    "TEXT_LOTTERY": Example(mail("Herzlichen Glückwunsch, Sie haben gewonnen! Ihr Gewinn wartet.")),
    "TEXT_PILLS": Example(mail("Viagra and Cialis, no prescription needed.")),
    "TEXT_PILLS_DISGUISED": Example(mail("Buy V1agra today.")),
    "TEXT_BLACKMAIL": Example(
        mail(
            "I hacked your computer and recorded a video of you through your webcam. Send the"
            " amount to my bitcoin wallet. You have 48 hours."
        )
    ),
    "TEXT_BITCOIN_ADDRESS": Example(mail("Pay to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa.")),
    "TEXT_INVESTMENT": Example(
        mail("Guaranteed profit with our trading bot: passive income, financial freedom.")
    ),
    "TEXT_LOAN": Example(mail("Apply for a loan now. Bad credit? Every business loan is granted.")),
    "TEXT_DATING": Example(mail("Meet local singles and lonely wives tonight.")),
    "TEXT_SEARCH_ENGINE": Example(
        mail("We bring you to the first page of Google with backlinks and a guest post.")
    ),
    "TEXT_SALES": Example(
        mail("Order now! Limited time, no obligation, satisfaction guaranteed, 100 % free.")
    ),
    "TEXT_EXCUSE": Example(mail("This is not spam. Write back to be removed from our list.")),
    "TEXT_EXCLAIMS": Example(mail("Hello!!! Look!!! Now!!! It is here!!!")),
    "TEXT_ACCOUNT_LURE": Example(
        mail("We saw unusual activity. Verify your account, click here to restore access." + LINK)
    ),
    "TEXT_ACCOUNT_LURE_UNPROVEN": Example(
        mail("Ihr Konto wurde gesperrt. Bitte Konto bestätigen." + LINK), UNPROVEN
    ),
    "TEXT_MAILBOX_LURE": Example(
        mail("Your mailbox is full. Upgrade your mailbox or it is closed." + LINK)
    ),
    "TEXT_PARCEL_LURE": Example(
        mail("Your parcel could not be delivered. Pay the customs fee of 1.99." + LINK)
    ),
    "TEXT_INVOICE_LURE": Example(
        mail("Please find attached invoice.", file=("invoice_2211.zip", b"PK\3\4"))
    ),
    "TEXT_ERRAND": Example(
        mail("Are you at your desk? I need gift cards for a client.", from_="ceo@gmail.com"),
        proven("gmail.com"),
    ),
    "TEXT_CALL_BACK": Example(
        mail(
            "Your subscription has been renewed and 399.99 USD will be charged. If you did not"
            " authorize this, call our support toll free: +1 (808) 555-0199."
        ),
        UNPROVEN,
    ),
    "TEXT_URGENT": Example(
        mail("Unusual sign in. Verify your account within 24 hours." + LINK),
    ),
    "TEXT_GREETS_ADDRESS": Example(mail("Dear alice@example.test,\r\nyour order is here.\r\n")),
    "TEXT_CAPITALS": Example(mail("THIS IS OF GREAT IMPORTANCE TO ALL OF US. " * 10)),
    "TEXT_DISGUISED": Example(
        mail("Your \u0430ccount h\u0430s been limite\u0501, s\u0456gn in to P\u0430yP\u0430l.")
    ),
    "LOGIN_CODE": Example(mail("Your verification code is 482913. It is valid for 10 minutes.")),
    "ORDER_CONFIRMED": Example(mail("Thank you for your order. Your order number: 4711.")),
}
BODIES = {
    "GTUBE": Example(mail(f"{GTUBE}\r\n")),
    "BODY_EMPTY": Example(mail("\r\n")),
    "BODY_IMAGE_ONLY": Example(
        mail("", html='<a href="https://thief.test/x"><img src="https://thief.test/1.png"></a>')
    ),
    "BODY_ONLY_LINK": Example(mail("look\r\n" + LINK)),
    "BODY_HIDDEN_TEXT": Example(
        mail("", html=f'<p>Buy now, all of you.</p><p style="font-size:1px">{WORDS} {SALAD}</p>')
    ),
    "BODY_TEXTS_DIFFER": Example(mail(WORDS, html=f"<p>{SALAD}</p>")),
    "BODY_HTML_ALONE": Example(mail("", html="<p>Shall we have lunch on Thursday?</p>")),
    "BODY_NEEDLESS_BASE64": Example(mail(TEXT * 2, encoding="base64")),
    "BODY_ACTIVE": Example(mail(html="<p>Hello</p><script>go()</script>")),
    "BODY_PASSWORD": Example(
        mail(html='<form action="https://thief.test"><input type="Password"></form>')
    ),
    "BODY_BROKEN_WORDS": Example(mail(html="<p>Bu<!--x-->y ch<b></b>eap wa<!-- -->tches</p>")),
    "BODY_HTML_AS_TEXT": Example(mail("<html><body>Hello, how are you?</body></html>")),
    "BODY_ENDLESS": Example(mail(html="<html><body><p>Hello, how are you?")),
    "BODY_DAMAGED": Example(mail(encoding="x-own")),
}
BULK = {
    "LIST_POST": Example(mail(**LIST), listed("lists.test", "friend.test"), {"list": True}),
    "BULK_WAY_OUT": Example(mail(list_unsubscribe="<https://friend.test/u>")),
    "BULK_NO_WAY_OUT": Example(mail(precedence="bulk")),
    "BULK_UNMARKED": Example(mail(f"{TEXT}\r\nUnsubscribe here.")),
    "AUTO_SUBMITTED": Example(mail(auto_submitted="auto-generated")),
    "BOUNCE_OURS": Example(mail(), given={"returned": True}),
    "BOUNCE_NOT_OURS": Example(mail(), given={"returned": False}),
}
EXAMPLES = AUTHENTICATION | AUTHORS | HEADERS | TEXTS | BODIES | BULK
