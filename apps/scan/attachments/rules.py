"""The rules by which attachments count, and what our signatures mean. Pure."""

from collections.abc import Mapping
from typing import Final

from apps.scan.base import Action
from apps.scan.rulebook import Rule

VIRUS: Final = Rule(
    "VIRUS_EICAR",
    20.0,
    "A file is the test virus of the EICAR association, or a page carries it",
    action=Action.REFUSE,
)
FORBIDDEN: Final = Rule(
    "ATTACHMENT_FORBIDDEN",
    0.0,
    "The attachment policy of the recipient's domain does not let a file pass",
)
WAITS: Final = Rule(
    "ATTACHMENT_WAITS",
    0.0,
    "Other mail took so long that its attachments will be looked at later",
    action=Action.DEFER,
)
PROGRAM: Final = Rule("ATTACHMENT_PROGRAM", 2.0, "A file is a program, or is opened as one")
INSTALLER: Final = Rule("ATTACHMENT_INSTALLER", 1.5, "A file installs programs")
SCRIPT: Final = Rule("ATTACHMENT_SCRIPT", 2.0, "A file is a script that runs when it is opened")
SHORTCUT: Final = Rule(
    "ATTACHMENT_SHORTCUT", 2.5, "A file starts something else when it is opened (.lnk, .reg, .chm)"
)
LINK: Final = Rule(
    "ATTACHMENT_LINK", 1.0, "A file leads elsewhere when it is opened (.url, .webloc, .rdp)"
)
DISK: Final = Rule("ATTACHMENT_DISK", 1.5, "A file is the image of a disk")
DISGUISED: Final = Rule(
    "ATTACHMENT_DISGUISED", 4.0, "The name of a program or script makes it look like a document"
)
NAME_ODD: Final = Rule("ATTACHMENT_NAME_ODD", 1.0, "The name of a file is written to mislead")
TYPE_LIES: Final = Rule(
    "ATTACHMENT_TYPE_LIES", 1.5, "A file that claims to be a picture or a PDF is something else"
)
ENCRYPTED: Final = Rule("ATTACHMENT_ENCRYPTED", 1.0, "A password is needed to open a file")
UNREAD: Final = Rule(
    "ATTACHMENT_UNREAD", 0.5, "Names in an archive are known, the content cannot be unpacked here"
)
UNSCANNABLE: Final = Rule(
    "ATTACHMENT_UNSCANNABLE",
    1.0,
    "A file could not be looked at: damaged, too much, too deep, or what reads it failed",
)
MACROS: Final = Rule("ATTACHMENT_MACROS", 0.5, "A document has macros")
MACROS_START: Final = Rule(
    "ATTACHMENT_MACROS_START", 1.0, "A document has macros that run when it is opened"
)
MACROS_RUN: Final = Rule(
    "ATTACHMENT_MACROS_RUN", 1.5, "A document has macros that start programs or fetch something"
)
MACROS_HARMFUL: Final = Rule(
    "ATTACHMENT_MACROS_HARMFUL",
    4.0,
    "A document has macros that start programs as soon as it is opened",
    action=Action.QUARANTINE,
)
FETCHES: Final = Rule(
    "ATTACHMENT_FETCHES", 3.0, "A document takes its template or an object from the web"
)
EXPLOIT: Final = Rule(
    "ATTACHMENT_EXPLOIT",
    4.0,
    "A document has what only attacks use: RTF with the old equation editor, fields that start"
    " programs",
    action=Action.QUARANTINE,
)
EQUATION: Final = Rule(
    "ATTACHMENT_EQUATION",
    2.5,
    "A document has a formula of the old equation editor, as papers of long ago and attacks do",
)
PAGE: Final = Rule("ATTACHMENT_PAGE", 0.5, "A web page is attached")
PAGE_CARRIES: Final = Rule(
    "ATTACHMENT_PAGE_CARRIES", 3.5, "An attached page has a script that makes a file (smuggling)"
)
PAGE_ASKS: Final = Rule(
    "ATTACHMENT_PAGE_ASKS", 3.0, "An attached page asks for a password and sends it away"
)
PAGE_HIDES: Final = Rule(
    "ATTACHMENT_PAGE_HIDES", 2.5, "An attached page is unpacked by its own script"
)
PICTURE_ACTS: Final = Rule("ATTACHMENT_PICTURE_ACTS", 2.5, "A picture (SVG) has a script in it")
PDF_ACTS: Final = Rule("ATTACHMENT_PDF_ACTS", 1.5, "A PDF runs a script when it is opened")
PDF_LAUNCHES: Final = Rule("ATTACHMENT_PDF_LAUNCHES", 3.5, "A PDF starts a program")
PDF_HIDES: Final = Rule("ATTACHMENT_PDF_HIDES", 2.0, "A PDF hides the names of what it does")
COMMANDS: Final = Rule(
    "ATTACHMENT_COMMANDS", 3.0, "A shortcut or script starts or fetches programs"
)
AS_TEXT: Final = Rule("ATTACHMENT_AS_TEXT", 3.0, "A program is written down as text in a file")

RULES: Final = (
    *(VIRUS, FORBIDDEN, WAITS, PROGRAM, INSTALLER, SCRIPT, SHORTCUT, LINK, DISK, DISGUISED),
    *(NAME_ODD, TYPE_LIES, ENCRYPTED, UNREAD, UNSCANNABLE, MACROS, MACROS_START, MACROS_RUN),
    *(MACROS_HARMFUL, FETCHES, EXPLOIT, EQUATION, PAGE, PAGE_CARRIES, PAGE_ASKS, PAGE_HIDES),
    *(PICTURE_ACTS, PDF_ACTS, PDF_LAUNCHES, PDF_HIDES, COMMANDS, AS_TEXT),
)

OF_GROUP: Final[Mapping[str, tuple[Rule, str]]] = {
    "program": (PROGRAM, "is a program"),
    "installer": (INSTALLER, "installs programs"),
    "script": (SCRIPT, "is a script"),
    "shortcut": (SHORTCUT, "starts something else when it is opened"),
    "link": (LINK, "leads elsewhere when it is opened"),
    "disk": (DISK, "is the image of a disk"),
}
OF_SIGNATURE: Final[Mapping[str, tuple[Rule, str]]] = {
    "eicar": (VIRUS, "is the EICAR test virus"),
    "macro_starts": (MACROS_START, "runs when the document is opened"),
    "macro_runs": (MACROS_RUN, "starts programs or fetches something"),
    "macro_of_excel_4": (MACROS_RUN, "has macros of Excel 4 that start or fetch programs"),
    "dde_field": (EXPLOIT, "has a field that starts a program"),
    "document_fetches": (FETCHES, "takes its template or an object from the web"),
    "equation_in_rtf": (EXPLOIT, "has an object of the old equation editor"),
    "equation_object": (EQUATION, "has a formula of the old equation editor"),
    "protocol_abuse": (EXPLOIT, "has an address that starts a helper program of Windows"),
    "page_makes_file": (PAGE_CARRIES, "has a script that makes a file"),
    "page_asks_password": (PAGE_ASKS, "asks for a password and sends it away"),
    "page_hides_itself": (PAGE_HIDES, "is a page that its own script unpacks"),
    "picture_with_script": (PICTURE_ACTS, "is a picture with a script in it"),
    "pdf_launches": (PDF_LAUNCHES, "is a PDF that starts a program"),
    "pdf_script_at_opening": (PDF_ACTS, "is a PDF that runs a script when it is opened"),
    "pdf_hidden_names": (PDF_HIDES, "is a PDF that hides the names of what it does"),
    "shortcut_runs": (COMMANDS, "is a shortcut with a command line"),
    "shortcut_elsewhere": (COMMANDS, "is a shortcut to a file on somebody's server"),
    "script_fetches": (COMMANDS, "is a script that fetches something and runs it"),
    "program_as_text": (AS_TEXT, "has a program written down as text"),
    "autorun": (COMMANDS, "starts a program when its disk is opened"),
}
"""What a rule of `signatures` stands for, and how it is said of a file."""
