"""What is a message, a mailbox, a bare file: decided by what the bytes say."""

from pathlib import Path

import pytest

from counterfoil.cli import scan_input
from counterfoil.model.errors import Unavailable

HEAD = b"From: a@example.org\nSubject: x\n\n"
SEPARATOR = b"From a@example.org Tue Nov  3 10:00:00 2026\n"


@pytest.mark.parametrize(
    "head",
    [
        HEAD,
        b"\xef\xbb\xbf" + HEAD,
        b"\r\n\r\n" + HEAD,
        b"Received: from a\r\n\tby b\r\n\r\n",
        b"X-Spam: no\r\nX-Other: yes\r\nMessage-Id: <1@b>\r\n",
        b"To: a@b.org\nSubject: x\n",
        b">From a Tue\nReceived: from a\n",
        b"DKIM-Signature: v=1;\n",
        b"from : a@b.org\n",
    ],
)
def test_a_header_section_makes_a_message(head):
    """One field that only mail has, or two that mail usually has, are enough."""
    assert scan_input.looks_like_message(head)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"PK\x03\x04From: a@b.org\n",
        b"subject: a yaml file\nkey: value\n",
        b"Hello Bob,\nFrom: what you wrote\n",
        b"<html>\nFrom: x\n",
        b"\x7fELF\nReceived: x\n",
        b"date: 2026-11-03\ntitle: notes\n",
    ],
)
def test_anything_else_is_a_bare_file(head):
    """A field after the first line that is none does not count."""
    assert not scan_input.looks_like_message(head)


@pytest.mark.parametrize(
    ("box", "bodies"),
    [
        (SEPARATOR + HEAD + b"one\n", [b"one\n"]),
        (SEPARATOR + HEAD + b"one\n\n" + SEPARATOR + HEAD + b"two\n", [b"one\n\n", b"two\n"]),
        (SEPARATOR + HEAD + b"one\n" + SEPARATOR + b"not a separator\n", [b"one\n" + SEPARATOR + b"not a separator\n"]),
        (SEPARATOR + HEAD + b"one\n\nFrom here on\n", [b"one\n\nFrom here on\n"]),
        (SEPARATOR + HEAD + b"\n" + SEPARATOR + HEAD, [b"\n", b""]),
    ],
)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_mailbox_is_cut_at_separators_after_empty_lines(tmp_path, box, bodies, line_end):
    """A line that looks like a separator is one only after an empty line and with a time in it."""
    path = tmp_path / "box"
    path.write_bytes(box.replace(b"\n", line_end))
    found = list(scan_input.items(path))

    assert [item.raw for item in found] == [(HEAD + body).replace(b"\n", line_end) for body in bodies]
    assert [item.index for item in found] == list(range(len(bodies)))


def test_a_mailbox_of_many_separators_is_read_in_linear_time(tmp_path):
    """A file made of nothing but near-separators is cut within the test's time."""
    path = tmp_path / "box"
    path.write_bytes(SEPARATOR + HEAD + b"\n\nFrom nobody" * 300_000)

    assert len(list(scan_input.items(path))) == 1


@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_a_bare_file_is_read_whole(tmp_path, size):
    """The file's name and all of its octets are kept, however few they are."""
    path = tmp_path / "data.bin"
    path.write_bytes(bytes(size))

    assert list(scan_input.items(path)) == [scan_input.Item(str(path), bytes(size), None, "data.bin")]


def test_a_message_by_its_suffix(tmp_path):
    """What is called .eml is opened by mail clients as a message, so that it is one here."""
    path = tmp_path / "odd.EML"
    path.write_bytes(b"no header")
    (item,) = scan_input.items(path)

    assert item.file_name is None


def test_a_file_beyond_measure_is_refused(tmp_path, monkeypatch):
    """What is larger than one scan takes is an error with what to do, and never skipped in silence."""
    monkeypatch.setattr(scan_input, "MAX_SIZE", 10)
    path = tmp_path / "large.eml"
    path.write_bytes(bytes(11))
    with pytest.raises(Unavailable, match="at most 10 are scanned"):
        list(scan_input.items(path))
    path.write_bytes(SEPARATOR + HEAD)
    with pytest.raises(Unavailable, match="item 0 has"):
        list(scan_input.items(path))


def test_a_folder_that_cannot_be_listed_hides_no_other(tmp_path, monkeypatch):
    """The error names the folder, and what lies beside it is still found."""
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.eml").write_bytes(HEAD)
    listed = Path.iterdir

    def refuse(path):
        if path.name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    failures = []
    found = [path.parent.name for path, _ in scan_input.files(tmp_path, lambda *failure: failures.append(failure))]

    assert found == ["a", "c"]
    assert [(path.name, error.errno) for path, error in failures] == [("b", 13)]


def test_what_is_no_file_is_said_and_not_left_out(tmp_path):
    """A link that leads nowhere in a folder is found, and reading it says what it is."""
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    ((path, of_maildir),) = scan_input.files(tmp_path, pytest.fail)

    assert not of_maildir
    with pytest.raises(Unavailable, match="neither a file nor a folder"):
        list(scan_input.items(path))
