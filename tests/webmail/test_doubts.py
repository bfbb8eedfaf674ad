"""What may have been forgotten is asked about, in the languages that we speak."""

import pytest

from apps.webmail.writing import doubts
from apps.webmail.writing.fields import FieldRefused
from tests.support.cost import cost


@pytest.mark.parametrize(
    "text",
    [
        "Please find the plan attached.",
        "See the attachments",
        "Die Liste ist angehängt.",
        "Anbei die Rechnung",
        "Der Plan ist im Anhang.",
        "Додаю рахунок.",
        "Дивись вкладення",
    ],
)
def test_words_that_promise_a_file(text: str) -> None:
    assert doubts.speaks_of_files(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "I am very attacked by this idea",
        "> Please find the plan attached.\nThank you!",
        "Thank you!\n-- \nAll attachments are scanned",
        "Zusammenhang und Anhangsverbot",
    ],
)
def test_words_that_promise_none(text: str) -> None:
    assert not doubts.speaks_of_files(text)


def test_it_asks_once_for_each() -> None:
    with pytest.raises(FieldRefused) as caught:
        doubts.ask(subject=" ", text="attached", has_files=False)
    assert (caught.value.field, caught.value.asks) == ("subject", True)
    with pytest.raises(FieldRefused) as caught:
        doubts.ask(subject="Plan", text="attached", has_files=False)
    assert (caught.value.field, caught.value.asks) == ("text", True)
    doubts.ask(subject="Plan", text="attached", has_files=True)


def test_a_long_letter_costs_no_time() -> None:
    texts = ("attach" * 100_000, "_" * 1_000_000, ">\n" * 500_000)
    assert cost(lambda: [doubts.speaks_of_files(text) for text in texts]) < 1
