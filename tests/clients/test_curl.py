"""curl at every IMAP door."""

from tests.clients.desk import Desk, letter


def test_it_fetches(desk: Desk) -> None:
    desk.receive(letter(1))
    done = desk.run(
        *("curl", "-sS", "--cacert", desk.authority, "-u", f"{desk.address}:{desk.password}"),
        f"imaps://localhost:{desk.port('IMAPS')}/INBOX;UID=1",
    )
    assert "Number 1" in done.stdout
