"""The samples are what their script makes, hold what they say, and the demonstration ends well."""

import email
import importlib
import io
import subprocess
import sys
import warnings
from email import policy
from pathlib import Path

import msoffcrypto
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def make_samples(monkeypatch: pytest.MonkeyPatch):
    """Import the script as it is run: from its own folder."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield importlib.import_module("make_samples")
    for name in ("make_samples", "office_files", "compound_file"):
        sys.modules.pop(name, None)


def attachment(name: str) -> bytes:
    """Return the one attachment of a sample."""
    message = email.message_from_bytes((EXAMPLES / name).read_bytes(), policy=policy.default)
    (part,) = message.iter_attachments()
    content = part.get_content()
    assert isinstance(content, bytes)
    return content


def decrypted(data: bytes) -> bytes:
    """Decrypt with Excel's default password."""
    file = msoffcrypto.OfficeFile(io.BytesIO(data))
    file.load_key(password="VelvetSweatshop")
    plain = io.BytesIO()
    file.decrypt(plain)
    return plain.getvalue()


def test_samples_are_what_the_script_makes(make_samples):
    """Every committed sample equals what the script writes; the encrypted one (its key is random) once decrypted."""
    made = dict(make_samples.samples())
    assert sorted(made) == sorted(path.name for path in EXAMPLES.glob("*.eml"))
    for name, content in made.items():
        if name != "velvetsweatshop.eml":
            assert (EXAMPLES / name).read_bytes() == content, name
    inside = make_samples.workbook_with_macro_sheet()
    assert decrypted(attachment("velvetsweatshop.eml")) == inside


def test_the_macro_is_one_that_others_see(make_samples):
    """A second implementation reads the macro out of the hand-made compound file, word for word."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # oletools calls old names of pyparsing
        from oletools.olevba import VBA_Parser
    (found,) = VBA_Parser("letter.docm", data=attachment("macro.eml")).extract_macros()
    assert found[3].endswith(make_samples.MACRO)


def test_the_demonstration_ends_well():
    """The demonstration starts everything, checks itself, leaves nothing running and exits 0."""
    done = subprocess.run(
        [sys.executable, EXAMPLES / "demo.py"], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every acknowledged message was handed on or held" in done.stdout
    assert "the held bytes arrived" in done.stdout


def test_the_demonstration_can_fail(tmp_path: Path):
    """A message that does not meet the fate it should is said, with exit 1."""
    for path in EXAMPLES.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "smuggling.eml").write_bytes((EXAMPLES / "clean.eml").read_bytes().replace(b"<clean@", b"<smuggling@"))
    done = subprocess.run(
        [sys.executable, tmp_path / "demo.py"], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 1
    assert "DIFFERS: smuggling.eml: not malicious and held" in done.stdout
