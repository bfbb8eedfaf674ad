"""A client that says one command after the other and hears all of each answer."""

from tests.conftest import PASSWORD
from tests.support.dialogue import Client, imap_login


class Talk:
    """Signed in from the start."""

    def __init__(self, port: int, address: str) -> None:
        self._client = Client(port)
        imap_login(self._client, address, PASSWORD)
        self._count = 0

    def say(self, line: str) -> tuple[list[str], str]:
        """Return the untagged lines and the tagged one, without its tag."""
        self._count += 1
        tag = f"t{self._count}"
        self._client.send(f"{tag} {line}")
        lines: list[str] = []
        while True:
            answer = self._client.line()
            assert answer not in {"(closed)", "(silence)"}, (line, lines)
            if answer.startswith(f"{tag} "):
                return lines, answer.removeprefix(f"{tag} ")
            lines.append(answer)

    def close(self) -> None:
        self._client.close()
