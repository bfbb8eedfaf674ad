"""Why mail was not delivered, and what its sender can do: enhanced status codes in plain words.

One table for reports, the web and the command line. A code that is not in it is answered by its
subject (the second number, RFC 3463 section 3), so there are words for every code.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """One sentence that says why, and one that says what the sender can do about it."""

    why: str
    advice: str


_SLIP = "Check the address for a slip of the keys and send the message again."
_LATER = "Send the message again later, or tell the recipient in another way."
_THEIRS = (
    "Only those who run the recipient's mail service can mend this: tell the recipient in another"
    " way, and pass on this report."
)
_OURS = "Please pass this report on to those who run your own mail service."
_SMALLER = "Send less at a time, or share the file in another way and send a link to it."
_AGAIN_OR_OURS = f"If it happens again: {_OURS[0].lower()}{_OURS[1:]}"

# By subject and detail: the class (4 or 5) says whether it is final, the report says that itself.
_CAUSES = {
    "1.0": Cause("Something is wrong with the address.", _SLIP),
    "1.1": Cause("There is no mailbox of this name there.", _SLIP),
    "1.2": Cause("The part of the address behind the at sign does not exist.", _SLIP),
    "1.3": Cause("The other side does not accept this as an address.", _SLIP),
    "1.4": Cause("The address could mean several mailboxes.", _SLIP),
    "1.6": Cause("The mailbox has moved away.", "Ask the recipient for the new address."),
    "1.7": Cause("The other side does not accept your own address.", _OURS),
    "1.8": Cause("The other side could not find the domain of your own address.", _OURS),
    "1.10": Cause("This domain accepts no mail at all.", "Ask the recipient for another address."),
    "2.0": Cause("The recipient's mailbox cannot be used.", _THEIRS),
    "2.1": Cause("The recipient's mailbox is switched off.", "Ask for another address."),
    "2.2": Cause(
        "The recipient's mailbox is full.",
        "Tell the recipient in another way, then send the message again.",
    ),
    "2.3": Cause("The message is larger than the recipient's mailbox accepts.", _SMALLER),
    "2.4": Cause("The address stands for a list that does not work.", _THEIRS),
    "3.0": Cause("The recipient's mail server has trouble of its own.", _LATER),
    "3.1": Cause("The recipient's mail server has no space left.", _LATER),
    "3.2": Cause("The recipient's mail server accepts no mail at the moment.", _LATER),
    "3.3": Cause("The recipient's mail server lacks something this message needs.", _THEIRS),
    "3.4": Cause("The message is larger than the recipient's mail server accepts.", _SMALLER),
    "3.5": Cause("The recipient's mail server is not set up right.", _THEIRS),
    "4.0": Cause("The recipient's mail server could not be reached.", _LATER),
    "4.1": Cause("The recipient's mail server does not answer.", _LATER),
    "4.2": Cause("The connection to the recipient's mail server broke off.", _LATER),
    "4.3": Cause("The recipient's domain could not be looked up.", _LATER),
    "4.4": Cause("No way to the recipient's mail server is known.", _THEIRS),
    "4.5": Cause("The mail system is overloaded.", _LATER),
    "4.6": Cause("The message went in circles.", _THEIRS),
    "4.7": Cause("No server there has taken the message.", _LATER),
    "5.0": Cause("The two mail servers did not understand each other.", _OURS),
    "5.3": Cause("The message has more recipients than the other side accepts.", "Send to fewer."),
    "6.0": Cause("The other side does not accept what the message contains.", _OURS),
    "6.1": Cause("The other side does not accept this kind of content.", _OURS),
    "6.3": Cause("The message would have to be converted, which is not possible.", _OURS),
    "6.7": Cause(
        "The recipient's mail server cannot handle addresses with letters like these.",
        "Ask the recipient for an address in plain ASCII letters.",
    ),
    "6.9": Cause(
        "The recipient's mail server cannot handle a subject or names with letters like these.",
        "Send the message again with plain ASCII letters there, or from another mail program.",
    ),
    "7.0": Cause("The other side refused the message by its rules.", _OURS),
    "7.1": Cause(
        "The recipient's side does not accept this message from you.",
        f"Its answer below may say more. {_AGAIN_OR_OURS}",
    ),
    "7.2": Cause("You may not write to this list.", "Ask those who run the list."),
    "7.4": Cause("The other side lacks a security feature that this message needs.", _THEIRS),
    "7.5": Cause("No connection was safe enough: encryption could not be verified.", _THEIRS),
    "7.8": Cause("The sign-in at the next mail server failed.", _OURS),
    "7.10": Cause("The next mail server wants encryption.", _OURS),
    "7.13": Cause("The account there is switched off.", "Ask for another address."),
    "7.14": Cause("The other side asks for a trust that does not exist.", _OURS),
    "7.20": Cause("The other side found no valid DKIM signature.", _OURS),
    "7.21": Cause("The other side found no acceptable DKIM signature.", _OURS),
    "7.22": Cause("The DKIM signature is not from the author's domain.", _OURS),
    "7.23": Cause("By its SPF record your domain does not send from our server.", _OURS),
    "7.24": Cause("The SPF record of your domain could not be read.", _OURS),
    "7.25": Cause("Our server's address has no name in the reverse DNS.", _OURS),
    "7.26": Cause("The other side could not verify that you are the sender.", _OURS),
    "7.27": Cause("Your own domain says that it accepts no mail.", _OURS),
    "7.28": Cause("The recipient gets too much mail at once.", _LATER),
    "7.29": Cause("A signature chain of this forwarded message is broken.", _OURS),
    "7.30": Cause(
        "You asked for encryption all the way, which the next mail server cannot promise.",
        "Send the message again without that demand, if it may travel like other mail.",
    ),
}
_SUBJECTS = {
    "1": _CAUSES["1.0"],
    "2": _CAUSES["2.0"],
    "3": _CAUSES["3.0"],
    "4": _CAUSES["4.0"],
    "5": _CAUSES["5.0"],
    "6": _CAUSES["6.0"],
    "7": _CAUSES["7.0"],
}
_UNKNOWN = Cause("The other side gave no reason that we know.", _AGAIN_OR_OURS)


def cause_of(status: str) -> Cause:
    """Return the words for an enhanced status code such as 5.1.1; never fails."""
    _, _, rest = status.partition(".")
    return _CAUSES.get(rest) or _SUBJECTS.get(rest.partition(".")[0]) or _UNKNOWN
