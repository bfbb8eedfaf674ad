"""What of writing is measured by `bench.webmail`: the composer, its saves and sends, and whom one
writes to, with an address book of many people."""

from collections.abc import Callable
from typing import Any, Final

PEOPLE: Final = 2_000  # in the address book
_PART: Final = {"HX-Request": "true"}
_JSON: Final = {"Accept": "application/json", "X-Requested-With": "fetch"}
_TEXT: Final = "<div>Some words of an honest letter, as people write them.</div>" * 100


def prepare(user: Any) -> None:
    """Fill the address book."""
    from apps.contacts.services import imports

    cards = (
        "BEGIN:VCARD\r\nVERSION:4.0\r\n"
        f"UID:urn:bench:{number}\r\nFN:Person {number}\r\nN:{number};Person;;;\r\n"
        f"EMAIL:person{number}@example.test\r\nORG:Company {number % 50}\r\nEND:VCARD\r\n"
        for number in range(PEOPLE)
    )
    imports.take(user_id=user.pk, octets="".join(cards).encode())


def asked(box: int, uid: int) -> list[tuple[str, Callable[[Any], Any]]]:
    """What is asked of the server, by name; each takes Django's client and gives the response.

    Args:
        box, uid: a message that is answered.
    """
    answer = {"kind": "reply_all", "source": f"{box}.{uid}"}
    draft = _Draft()
    return [
        ("composer", _getting("/mail/compose/", {})),
        ("composer, an answer", _getting("/mail/compose/", answer)),
        ("letter, its first save", lambda client: _Draft().save(client)),
        ("letter, saved again", draft.save),
        ("letter, sent", lambda client: _Draft().send(client)),
        ("completion", _getting("/mail/compose/people/", {"q": "pers"})),
        ("contacts", _getting("/mail/contacts/", {})),
        ("contacts, searched", _getting("/mail/contacts/", {"q": "company 7"})),
        ("storage", _getting("/settings/storage/", {})),
    ]


def _getting(address: str, query: dict[str, str]) -> Callable[[Any], Any]:
    return lambda client: client.get(address, query, headers=_PART, secure=True)


class _Draft:
    """A letter that is written."""

    def __init__(self) -> None:
        from apps.runtime.ulid import new_ulid

        self._url = f"/mail/compose/{new_ulid()}/"
        self._revision = 0

    def save(self, client: Any) -> Any:
        response = self._post(client, self._url)
        self._revision = response.json().get("revision", 0)
        return response

    def send(self, client: Any) -> Any:
        return self._post(client, f"{self._url}send/")

    def _post(self, client: Any, address: str) -> Any:
        form = {"revision": str(self._revision), "kind": "new", "source": "", "from": ""}
        form |= {"to": "Person 7 <person7@example.test>", "subject": "Words", "html": _TEXT}
        # Each save has words of its own.
        form["html"] += f"<div>{self._revision}</div>"
        return client.post(address, form, headers=_JSON, secure=True)
