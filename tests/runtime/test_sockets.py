"""Listening sockets: opened, or refused in one sentence."""

import socket

import pytest

from apps.runtime import sockets
from apps.runtime.sockets import DoorError
from mailhost.env import Endpoint


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        (Endpoint("203.0.113.1", 2525), "this machine does not have that address"),
        (Endpoint("no-such-host.invalid", 2525), "its host name is not known here"),
    ],
)
def test_it_says_why_a_door_cannot_open(endpoint: Endpoint, sentence: str) -> None:
    with pytest.raises(DoorError) as caught:
        sockets.listen("smtp", endpoint)
    assert str(caught.value) == f"SMTP_LISTEN={endpoint} cannot be opened: {sentence}."


def test_it_says_that_a_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = Endpoint("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(DoorError, match="another program listens there already"):
            sockets.listen("imaps", where)


def test_it_says_what_low_ports_need(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: socket.socket, address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", denied)
    with pytest.raises(DoorError, match="CAP_NET_BIND_SERVICE"):
        sockets.listen("smtp", Endpoint("127.0.0.1", 25))


def test_it_opens_a_door_again_right_after_it_was_closed() -> None:
    (first,) = sockets.listen("smtp", Endpoint("127.0.0.1", 0))
    where = Endpoint("127.0.0.1", first.getsockname()[1])
    client = socket.create_connection((where.host, where.port))
    served, _ = first.accept()
    first.close()
    served.close()  # our side closes first: the port lingers in TIME_WAIT
    client.close()
    (again,) = sockets.listen("smtp", where)
    again.close()


def test_it_lets_nobody_in_before_it_is_told_to() -> None:
    (one,) = bound = sockets.bind("smtp", Endpoint("127.0.0.1", 0))
    where = Endpoint(*one.getsockname())
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect((where.host, where.port))
    sockets.open_up("smtp", where, bound)
    with one, socket.create_connection((where.host, where.port), timeout=5):
        pass


def test_it_says_when_another_was_faster_to_listen() -> None:
    (one,) = bound = sockets.bind("smtp", Endpoint("127.0.0.1", 0))
    where = Endpoint(*one.getsockname())
    (other,) = sockets.listen("smtp", where)  # so far nobody listens there
    with other, pytest.raises(DoorError, match="another program listens there already"):
        sockets.open_up("smtp", where, bound)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_it_opens_a_door_at_any_port(host: str) -> None:
    opened, place = sockets.bind_anywhere("imap", host)
    sockets.open_up("imap", place, opened)
    try:
        assert str(place) == f"{host}:{place.port}"
        assert {one.getsockname()[1] for one in opened} == {place.port}
        with socket.create_connection(("127.0.0.1", place.port), timeout=5):
            pass
    finally:
        for one in opened:
            one.close()
