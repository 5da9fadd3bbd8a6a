"""Write the sample messages beside this file. They were made for this project and do no harm when opened.

Run it with the project's own Python: ``.venv/bin/python examples/make_samples.py [FOLDER]``. All files but the
encrypted workbook (which has a random key) come out the same each time.
"""

import base64
import struct
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from office_files import document_with_macro, encrypted, workbook_with_macro_sheet, zipped

DOMAIN = "customer.example"
"""The tenant's domain in the samples."""

MACRO = 'Sub AutoOpen()\r\n    Shell "cmd.exe /c echo an example", vbHide\r\nEnd Sub\r\n'


def message(name: str, subject: str, text: str, sender: str = "Dana Vendor <dana@vendor.example>") -> EmailMessage:
    """Return a plain message to the tenant."""
    made = EmailMessage(policy=SMTP)
    made["Date"] = "Thu, 15 Jan 2026 09:00:00 +0000"
    made["From"] = sender
    made["To"] = f"Robin <robin@{DOMAIN}>"
    made["Subject"] = subject
    made["Message-ID"] = f"<{name}@vendor.example>"
    made.set_content(text)
    return made


def attached(made: EmailMessage, data: bytes, kind: str, file_name: str) -> bytes:
    """Attach a file and return the message as bytes, with a boundary that is the same each time."""
    main, _, sub = kind.partition("/")
    made.add_attachment(data, maintype=main, subtype=sub, filename=file_name)
    return finished(made)


def finished(made: EmailMessage) -> bytes:
    """Return the message as bytes, with boundaries that are the same each time."""
    for number, part in enumerate(part for part in made.walk() if part.is_multipart()):
        part.set_boundary(f"=-example-{number}-=")
    return made.as_bytes()


def clean() -> bytes:
    """An ordinary letter in text and HTML."""
    made = message("clean", "Minutes of Tuesday", "Hello Robin,\n\nthe minutes are on the board.\n\nDana\n")
    made.add_alternative("<p>Hello Robin,</p><p>the minutes are on the board.</p><p>Dana</p>", subtype="html")
    return finished(made)


def velvet_sweatshop() -> bytes:
    """A workbook encrypted with Excel's default password; inside, an Excel 4 macro that runs by itself."""
    data = encrypted(workbook_with_macro_sheet(), "VelvetSweatshop")
    made = message("velvetsweatshop", "Invoice 4711", "Please see the invoice.\n")
    return attached(made, data, "application/vnd.ms-excel", "invoice-4711.xlsm")


def macro_document() -> bytes:
    """A Word document whose macro starts a program when the document is opened."""
    made = message("macro", "Your application", "Please find the letter attached.\n")
    return attached(made, document_with_macro(MACRO), "application/vnd.ms-word.document.macroEnabled.12", "letter.docm")


def smuggling_page() -> bytes:
    """An HTML attachment that builds a file in the browser and saves it."""
    payload = base64.b64encode(program()).decode()
    page = f"""<!DOCTYPE html><html><body onload="go()"><p>Your document is being prepared...</p><script>
function go() {{
  var text = atob("{payload}"), octets = new Uint8Array(text.length);
  for (var n = 0; n < text.length; n++) octets[n] = text.charCodeAt(n);
  var blob = new Blob([octets], {{type: "application/octet-stream"}});
  var link = document.createElement("a");
  link.href = URL.createObjectURL(blob); link.download = "document.exe";
  document.body.appendChild(link); link.click();
}}
</script></body></html>
"""
    made = message("smuggling", "Secure document", "Open the attached page to get your document.\n")
    return attached(made, page.encode(), "text/html", "document.html")


def spoofed_sender() -> bytes:
    """A sender name that is an address of the tenant's, on a letter from somewhere else."""
    sender = f'"Chief Executive <chief@{DOMAIN}>" <office1987@freemail.example>'
    return finished(message("spoofed", "Urgent", "Are you at your desk? I need a quick favour.\n", sender))


def zip_in_zip() -> bytes:
    """A zip in a zip with a program that calls itself a PDF."""
    inner = zipped({"scan_0042.pdf.exe": program()})
    made = message("zip-in-zip", "Scan from the copier", "Attached is your scan.\n")
    return attached(made, zipped({"scan.zip": inner}), "application/zip", "scan_0042.zip")


def malformed() -> bytes:
    """Two boundaries in one header, one part for each kind of reader, and a zip that is cut short."""
    broken = base64.encodebytes(zipped({"note.txt": bytes(range(256))})[:200])
    return b"\r\n".join(
        [
            b"Date: Thu, 15 Jan 2026 09:00:00 +0000",
            b"From: Dana Vendor <dana@vendor.example>",
            f"To: Robin <robin@{DOMAIN}>".encode(),
            b"Subject: =?utf-8?Q?Delivery_note?=",
            b"Message-ID: <malformed@vendor.example>",
            b"MIME-Version: 1.0",
            b'Content-Type: multipart/mixed; boundary="one"; boundary="two"',
            b"",
            b"--one",
            b"Content-Type: text/plain",
            b"",
            b"--two",
            b"Content-Type: application/zip; name=note.zip",
            b"Content-Transfer-Encoding: base64",
            b"",
            broken.replace(b"\n", b"\r\n"),
            b"--two--",
            b"--one--",
            b"",
        ]
    )


def program() -> bytes:
    """A Windows program header with no code behind it: it names itself a program and cannot run."""
    text = b"This is an example and no program.\r\n"
    head = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x14C, 0, 0, 0, 0, 0, 0x0102)
    return head + coff + text


SAMPLES = {
    "clean.eml": clean,
    "velvetsweatshop.eml": velvet_sweatshop,
    "macro.eml": macro_document,
    "smuggling.eml": smuggling_page,
    "spoofed.eml": spoofed_sender,
    "zip-in-zip.eml": zip_in_zip,
    "malformed.eml": malformed,
}


def samples() -> Iterator[tuple[str, bytes]]:
    """Yield each sample's file name and its bytes."""
    for name, make in SAMPLES.items():
        yield name, make()


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, content in samples():
        (folder / file_name).write_bytes(content)
