"""Reports in plain words: every cause has words, every sort its first paragraph."""

import pytest

from apps.delivery import causes, wording
from apps.delivery.wording import About, Told
from apps.mime.dsn import Action

HOUR = 3_600_000_000
ABOUT = About("Lunch", 1_795_000_000_000_000, 1_795_000_000_000_000 + 50 * HOUR)


def told(action: Action, status: str = "5.1.1", address: str = "bob@example.org") -> Told:
    return Told(address, action, status, "550 no", "mx.example.org")


def first(*recipients: Told, about: About = ABOUT) -> str:
    return wording.text_of(about, recipients, "mail.example.test", "").partition("\n\n")[0]


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (
            Action.DELIVERED,
            'Your message "Lunch" was put into the mailbox of bob@example.org. You asked to be'
            " told; there is nothing to do.",
        ),
        (
            Action.RELAYED,
            'Your message "Lunch" for bob@example.org was handed over to mx.example.org, which'
            " does not report when it reaches the mailbox. You asked to be told; there is nothing"
            " to do.",
        ),
        (
            Action.EXPANDED,
            'Your message "Lunch" was passed on to all who are behind bob@example.org. You asked to'
            " be told; there is nothing to do.",
        ),
        (
            Action.DELAYED,
            'Your message "Lunch" has not reached bob@example.org yet. The recipient\'s mail server'
            " does not answer. This is not final: it is being tried, and there is nothing you need"
            " do. If it cannot be delivered after all, you will be told.",
        ),
    ],
)
def test_it_says_what_happened_first(action: Action, words: str) -> None:
    assert first(told(action, "4.4.1")) == words


def test_it_says_until_when_it_is_tried() -> None:
    about = About("", ABOUT.received_at_us, ABOUT.now_us, 1_795_432_000_000_000)
    words = first(told(Action.DELAYED, "4.4.1"), about=about)
    assert words.startswith("Your message has not reached")
    assert "tried until 23 November 2026 at 11:06 UTC, and" in words


@pytest.mark.parametrize(
    ("hours", "span"), [(0, "less than a minute"), (1, "1 hour"), (50, "2 days"), (-5, "less than")]
)
def test_it_says_for_how_long_it_was_tried(hours: int, span: str) -> None:
    about = About("Lunch", ABOUT.received_at_us, ABOUT.received_at_us + hours * HOUR)
    assert f"It was tried for {span}" in first(told(Action.FAILED, "4.4.1"), about=about)


def test_it_says_for_each_why_and_what_to_do() -> None:
    people = [told(Action.FAILED), told(Action.FAILED, "5.2.2", "carol@example.org")]
    text = wording.text_of(ABOUT, people, "mail.example.test", "your message")
    assert text.startswith('Your message "Lunch" could not be delivered to 2 recipients.')
    assert (
        "  carol@example.org\n    The recipient's mailbox is full. Tell the recipient in another"
        " way, then send the message again.\n    mx.example.org answered: 550 no" in text
    )


def test_it_lists_a_bounded_number() -> None:
    people = [told(Action.FAILED, address=f"{n}@example.org") for n in range(wording.LISTED + 7)]
    text = wording.text_of(ABOUT, people, "mail.example.test", "")
    assert text.count("answered") == wording.LISTED
    assert "And 7 more, listed in the second part." in text


@pytest.mark.parametrize("status", ["", "5", "5.9.9", "5.7.999", "4.4.1", "x.y.z", "5.7.1"])
def test_it_has_words_for_every_code(status: str) -> None:
    cause = causes.cause_of(status)
    for sentence in (cause.why, cause.advice):
        assert sentence[0].isupper()
        assert sentence.endswith(".")


def test_it_answers_an_unknown_detail_by_its_subject() -> None:
    assert causes.cause_of("5.7.999") == causes.cause_of("5.7.0")
    assert causes.cause_of("5.1.1") == causes.cause_of("4.1.1")
    assert causes.cause_of("5.1.1") != causes.cause_of("5.1.2")
