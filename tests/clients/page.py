"""The configuration files of docs/clients.md: what the page shows is what the tests run."""

import re

from tests.support.installation import ROOT

PAGE = ROOT / "docs" / "clients.md"
# What stands on the page, and what Desk.write puts there in a test.
VALUES = {
    r"\bmail\.example\.org\b": "%HOST%",
    r"\balice@example\.org\b": "%USER%",
    r"\bthe password\b": "%PASSWORD%",
    r"/etc/ssl/certs/ca-certificates\.crt": "%CA%",
    r"\b993\b": "%IMAPS%",
    r"\b143\b": "%IMAP%",
    r"\b995\b": "%POP3S%",
    r"\b465\b": "%SUBMISSIONS%",
}


def snippet(program: str, **changes: str) -> str:
    """The file of one program, by the word behind the fence; `changes` replace whole lines.

    A change is named by the first word of its line, as in `SSLType="SSLType STARTTLS"`. Every one
    must find its line, or the page has changed and the test would not test it.
    """
    blocks: list[str] = re.findall(
        rf"^```{program}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    (text,) = blocks
    for pattern, placeholder in VALUES.items():
        text = re.sub(pattern, placeholder, text)
    for word, line in changes.items():
        text, found = re.subn(rf"(?m)^( *){word}\b.*$", rf"\g<1>{line}", text)
        assert found == 1, f"{program}: {found} lines begin with {word}"
    return text
