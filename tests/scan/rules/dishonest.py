"""Spam of the usual kinds, invented, none of it ever sent: enough by itself to be junk."""

from tests.scan.rules.examples import LINK, LIST, Example
from tests.scan.rules.mail import failed, listed, mail, proven, unproven

UNWANTED = {
    "advance fee": Example(
        mail(
            "Dear beloved,\r\n\r\nI am barrister Smith, lawyer of a late client who died with his"
            " family and left 18.5 million US dollars. I present you as his next of kin. Send me"
            " your full names. God bless you.\r\n",
            from_="Barrister Smith <office@nowhere.test>",
            reply_to="barrister.smith.law@gmail.com",
            to="undisclosed-recipients:;",
            subject="BUSINESS PROPOSAL FOR YOU ONLY, MY FRIEND",
        ),
        proven("nowhere.test"),
    ),
    "blackmail in the reader's own name": Example(
        mail(
            "I hacked your device and recorded a video of you through your webcam while you visited"
            " adult websites. Send 900 USD to my bitcoin wallet"
            " 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa. You have 48 hours or all your contacts get it.",
            from_="alice@example.test",
            subject="I know your password",
        ),
        unproven("example.test"),
        {"ours": ["example.test"]},
    ),
    "blackmail in German": Example(
        mail(
            "Ich habe Sie aufgenommen: ein Video von Ihnen, über Ihre Webcam, bei der"
            " Selbstbefriedigung. Bitcoin Adresse: 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa. Sie haben 48"
            " Stunden.",
            from_="x@nowhere.test",
        ),
        unproven("nowhere.test"),
    ),
    "pills": Example(
        mail(
            "V1agra, C1alis! Canadian pharmacy, no prescription." + LINK,
            from_="Health <a8f3kq2l9x0z@nowhere.test>",
            message_id=None,
        ),
        unproven("nowhere.test"),
    ),
    "a bank that is none": Example(
        mail(
            "Dear customer, we saw unusual activity. Verify your account within 24 hours." + LINK,
            from_="Your Bank <service@bank.test>",
            subject="Final warning",
        ),
        failed("bank.test"),
    ),
    "a mailbox that is full": Example(
        mail(
            "Dear alice@example.test,\r\n\r\nyour mailbox is full. Validate your mailbox within 24"
            " hours or your email account will be closed." + LINK,
            from_='"example.test webmail" <admin@nowhere.test>',
        ),
        proven("nowhere.test"),
        {"ours": ["example.test"]},
    ),
    "an errand for the chief": Example(
        mail(
            "Are you at your desk? I'm in a meeting and can't talk. I need gift cards for a client."
            " Reply as soon as you can.",
            from_="Carol Chief <ceo.office.2291@gmail.com>",
            subject="Quick task",
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
    "a chief by way of a list that nobody knows": Example(
        mail(
            "Are you at your desk? Please call me back.",
            from_="Carol Chief <carol@example.test>",
            subject="Quick task",
            **LIST,
        ),
        listed("lists.test", "example.test"),
        {"ours": ["example.test"]},
    ),
    "a prize": Example(
        mail(
            "Herzlichen Glückwunsch, Sie haben gewonnen! Ihr Gewinn: ein neues Telefon. Kurze"
            " Umfrage, sofort abholen." + LINK,
            from_="Gewinn <a8f3kq2l9x0z@nowhere.test>",
            subject="IHR GEWINN WARTET NOCH HEUTE!!!",
        ),
        unproven("nowhere.test"),
    ),
    "disguised words": Example(
        "Subject: Your P\u0430yP\u0430l \u0430ccount\r\n".encode()
        + mail(
            "Your \u0430ccount h\u0430s been limite\u0501, s\u0456gn in to P\u0430yP\u0430l."
            + LINK,
            subject=None,
            from_="Service <x@nowhere.test>",
        ),
        unproven("nowhere.test"),
    ),
    "a bill to be called about": Example(
        mail(
            "Geek Squad: your subscription has been auto renewed, 399.99 USD will be charged. If"
            " you did not authorize this, call our billing department: +1 (808) 555-0199.",
            from_="Billing <billing.4471@gmail.com>",
            to="undisclosed-recipients:;",
            reply_to="pay.desk@outlook.com",
            subject="INVOICE NUMBER XKD PAID TODAY!!!",
        ),
        proven("gmail.com"),
    ),
    "money without work": Example(
        mail(
            "Guaranteed profit! Our trading bot makes passive income. Financial freedom now!"
            + LINK,
            from_="Money <a8f3kq2l9x0z@nowhere.test>",
            subject="DOUBLE YOUR MONEY THIS WEEK!!!",
        ),
        unproven("nowhere.test"),
    ),
}
