"""curl speaks POP3, with STLS and over TLS."""

import pytest

from tests.clients.desk import Desk, letter

REFUSED = 8  # curl: "weird server reply"
LOGIN_DENIED = 67
LETTERS = [letter(number) for number in range(3)]
DOORS = pytest.mark.parametrize("door", ["POP3S", "POP3"])


class Curl:
    """curl with what its user always says."""

    def __init__(self, desk: Desk, door: str) -> None:
        self.desk = desk
        self.url = f"{door.lower()}://localhost:{desk.port(door)}/"
        self.always = ["curl", "--silent", "--show-error", "--ssl-reqd", "--cacert"]
        self.always += [str(desk.authority), "--user", f"{desk.address}:{desk.password}"]

    def run(self, path: str, *words: str, statuses: tuple[int, ...] = (0,)) -> str:
        return self.desk.run(*self.always, self.url + path, *words, statuses=statuses).stdout

    def message(self, number: int) -> bytes:
        target = self.desk.home / f"{number}.eml"
        self.run(str(number), "--output", str(target))
        return target.read_bytes()


@DOORS
def test_it_lists_and_takes_messages(desk: Desk, door: str) -> None:
    desk.put(*LETTERS)
    curl = Curl(desk, door)
    sizes = "".join(f"{number} {len(raw)}\n" for number, raw in enumerate(LETTERS, 1))
    assert curl.run("") == sizes
    assert [curl.message(number) for number in (1, 2, 3)] == LETTERS
    ids = curl.run("", "--request", "UIDL").split()
    assert ids[::2] == ["1", "2", "3"]
    assert len(set(ids[1::2])) == 3
    assert curl.run("", "--request", "TOP 2 0").rstrip() == (
        LETTERS[1].partition(b"\r\n\r\n")[0].decode().replace("\r\n", "\n")
    )
    curl.run("9", statuses=(REFUSED,))


@DOORS
def test_it_deletes(desk: Desk, door: str) -> None:
    desk.put(*LETTERS)
    curl = Curl(desk, door)
    curl.run("2", "--request", "DELE", "--list-only")
    assert list(desk.messages().values()) == [LETTERS[0], LETTERS[2]]


@DOORS
def test_it_signs_in_in_every_way_there_is(desk: Desk, door: str) -> None:
    desk.put(LETTERS[0])
    curl = Curl(desk, door)
    for words in ([], ["--sasl-ir"], ["--login-options", "AUTH=PLAIN"]):
        assert curl.run("", *words) == f"1 {len(LETTERS[0])}\n"
    curl.always[-1] = f"{desk.address}:wrong"
    curl.run("", statuses=(LOGIN_DENIED,))
