"""``counterfoil scan`` as a person or a script runs it: real workers, real files."""

import gzip
import hashlib
import io
import json
import os
import zipfile

import pytest

from counterfoil.__main__ import main
from counterfoil.gateway.resolver import Table
from counterfoil.model.dns import Question, RecordType
from counterfoil.scan.scanner import WORK

CLEAN = (
    b"From: Anna <anna@example.org>\r\nTo: bob@example.net\r\nSubject: lunch\r\nDate: Tue, 03 Nov 2026 10:00:00 +0000"
    b"\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    b"At noon?\r\n"
)
FIELDS = [
    *("path", "message_id", "sha256", "size", "verdict", "action", "findings", "parts", "links"),
    *("authentication", "uninspectable", "elapsed_ms"),
]


def program() -> bytes:
    """The start of a Windows program, which is one by content and does nothing."""
    return b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + b"\x4c\x01" + bytes(400)


def with_attachment(name: str, data: bytes) -> bytes:
    """A message that carries a file."""
    import base64

    return (
        CLEAN.replace(b"text/plain; charset=utf-8", b"multipart/mixed; boundary=b").replace(b"At noon?\r\n", b"")
        + b"--b\r\nContent-Type: text/plain\r\n\r\nsee there\r\n--b\r\nContent-Type: application/octet-stream\r\n"
        + f'Content-Disposition: attachment; filename="{name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n'.encode()
        + base64.encodebytes(data).replace(b"\n", b"\r\n")
        + b"--b--\r\n"
    )


@pytest.fixture
def scan(capsys):
    """Run the command; give the exit code, the objects on stdout and the text on stderr."""

    def run(*words):
        code = main(["scan", "--json", "--jobs", "1", *map(str, words)])
        output = capsys.readouterr()
        return code, [json.loads(line) for line in output.out.splitlines()], output.err

    return run


def test_a_clean_message_is_exit_0_and_every_field_is_there(scan, tmp_path):
    """The object has exactly the documented fields, in their order."""
    path = tmp_path / "clean.eml"
    path.write_bytes(CLEAN)
    code, (found,), error = scan(path)

    assert code == 0
    assert error == ""
    assert list(found) == FIELDS
    assert found["path"] == str(path)
    assert found["message_id"] == "<1@example.org>"
    assert (found["sha256"], found["size"]) == (hashlib.sha256(CLEAN).hexdigest(), len(CLEAN))
    assert (found["verdict"], found["action"]) == ("clean", "deliver")
    assert found["authentication"] == dict.fromkeys(("spf", "dkim", "dmarc", "arc"), "not-checked")
    assert found["elapsed_ms"] > 0
    assert set(found["parts"][0]) == {"id", "names", "declared_type", "detected_type", "size", "sha256", "via"}


def test_a_program_in_a_zip_is_found_and_exit_1(scan, tmp_path):
    """What is inside a container is found, with the way to it, and its finding has the documented keys."""
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w") as archive:
        archive.writestr("invoice.exe", program())
    path = tmp_path / "bad.eml"
    path.write_bytes(with_attachment("invoice.zip", box.getvalue()))
    code, (found,), _ = scan(path)

    assert code == 1
    assert found["verdict"] == "malicious"
    assert any(part["via"] == ["base64", "zip"] and "invoice.exe" in part["names"] for part in found["parts"])
    assert all(
        set(finding) == {"check", "severity", "summary", "part", "techniques", "evidence"}
        for finding in found["findings"]
    )


def test_a_bare_file_is_taken_as_an_attachment(scan, tmp_path):
    """A program as such is judged as if somebody had sent it."""
    path = tmp_path / "setup.txt"
    path.write_bytes(program())
    code, (found,), _ = scan(path)

    assert code == 1
    assert found["parts"][0]["names"] == ["setup.txt"]
    assert found["verdict"] == "malicious"


def test_the_items_of_an_mbox_have_an_index(scan, tmp_path):
    """Each message of a mailbox is an object, numbered from 0, and its bytes are the message's own."""
    path = tmp_path / "box"
    separator = b"From anna@example.org Tue Nov  3 10:00:00 2026\n"
    second = CLEAN.replace(b"<1@", b"<2@").replace(b"At noon?", b"From here it is far.\r\n\r\nFrom there too.")
    path.write_bytes(separator + CLEAN + b"\r\n" + separator + second)
    code, found, _ = scan(path)

    assert code == 0
    assert [(one["index"], one["message_id"]) for one in found] == [(0, "<1@example.org>"), (1, "<2@example.org>")]
    assert found[1]["sha256"] == hashlib.sha256(second).hexdigest()


def test_a_maildir_is_its_delivered_messages(scan, tmp_path):
    """What lies in new and cur is a message whatever it looks like; what lies in tmp is not delivered."""
    for name in ("cur", "new", "tmp"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"1.{name}:2,S").write_bytes(CLEAN)
    (tmp_path / "new" / "2.odd").write_bytes(b"no header at all")
    _, found, _ = scan(tmp_path)

    assert [os.path.relpath(one["path"], tmp_path) for one in found] == ["cur/1.cur:2,S", "new/1.new:2,S", "new/2.odd"]
    assert all(one["parts"][0]["names"] == [] for one in found)


def test_a_folder_is_scanned_in_the_order_of_its_names(scan, tmp_path):
    """All files below a folder are scanned, in an order that does not depend on the disk or the workers."""
    (tmp_path / "b").mkdir()
    for name in ("c.eml", "a.eml", "b/2.eml", "b/1.gz"):
        (tmp_path / name).write_bytes(gzip.compress(CLEAN) if name.endswith("gz") else CLEAN)
    (tmp_path / "loop").symlink_to(tmp_path)
    code, found, _ = scan(tmp_path, "--jobs", "2")

    assert code == 0
    assert [os.path.relpath(one["path"], tmp_path) for one in found] == ["a.eml", "b/1.gz", "b/2.eml", "c.eml"]


def test_a_file_that_cannot_be_read_is_exit_2_and_the_others_are_scanned(scan, tmp_path):
    """One missing file is an error on stderr; it hides nothing else, not even what was found."""
    (tmp_path / "bad.exe").write_bytes(program())
    os.mkfifo(tmp_path / "pipe")
    code, found, error = scan(tmp_path / "missing.eml", tmp_path / "pipe", tmp_path / "bad.exe")

    assert code == 2
    assert [one["verdict"] for one in found] == ["malicious"]
    assert "missing.eml cannot be read: No such file or directory" in error
    assert "pipe is neither a file nor a folder" in error


def test_extract_writes_each_distinct_part_once(scan, tmp_path):
    """Every part is in the folder under its digest, for the owner alone."""
    path = tmp_path / "bad.eml"
    path.write_bytes(with_attachment("../../a.exe", program()))
    folder = tmp_path / "out"
    _, (found,), _ = scan(path, "--extract", folder)

    assert {one.name for one in folder.iterdir()} == {part["sha256"] for part in found["parts"]}
    assert hashlib.sha256(program()).hexdigest() in {one.name for one in folder.iterdir()}
    for one in folder.iterdir():
        assert hashlib.sha256(one.read_bytes()).hexdigest() == one.name
        assert one.stat().st_mode & 0o777 == 0o600


def test_extract_into_a_file_is_refused(scan, tmp_path):
    """A folder that cannot be made is an error before anything is scanned."""
    (tmp_path / "out").write_bytes(b"")
    path = tmp_path / "clean.eml"
    path.write_bytes(CLEAN)
    code, found, error = scan(path, "--extract", tmp_path / "out")

    assert (code, found) == (2, [])
    assert "cannot be made" in error


def test_a_policy_decides_the_action(scan, tmp_path):
    """The same message is rejected where the policy says so."""
    path, policy = tmp_path / "bad.exe", tmp_path / "policy.toml"
    path.write_bytes(program())
    policy.write_text('[actions]\nmalicious = "reject"\n', encoding="utf-8")

    assert scan(path)[1][0]["action"] == "quarantine"
    assert scan(path, "--policy", policy)[1][0]["action"] == "reject"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "cannot be read: No such file"),
        ("[actions", "is no TOML"),
        ('[actions]\nbad = "x"\nnone = 1', "4 problems"),
    ],
)
def test_a_bad_policy_is_exit_2_with_every_problem(scan, tmp_path, text, reason):
    """A policy that cannot be used stops the run and says why."""
    path, policy = tmp_path / "clean.eml", tmp_path / "policy.toml"
    path.write_bytes(CLEAN)
    if text is not None:
        policy.write_text(text, encoding="utf-8")
    code, found, error = scan(path, "--policy", policy)

    assert (code, found) == (2, [])
    assert reason in error


def test_a_worker_that_dies_makes_its_message_uninspectable(scan, tmp_path, monkeypatch):
    """A message that kills its worker is uninspectable with the reason, and the next one is scanned."""
    (tmp_path / "killing.py").write_text(
        "import os\nfrom counterfoil.scan.worker import work as real\n\n\ndef work(argument, ask):\n"
        "    if b'kill the worker' in argument:\n        os._exit(9)\n    return real(argument, ask)\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("counterfoil.cli.scan.WORK", "killing:work")
    assert WORK == "counterfoil.scan.worker:work"
    for name, text in (("1.eml", b"kill the worker"), ("2.eml", b"lunch")):
        (tmp_path / name).write_bytes(CLEAN.replace(b"At noon?", text))
    code, found, _ = scan(tmp_path / "1.eml", tmp_path / "2.eml")

    assert code == 1
    assert [one["verdict"] for one in found] == ["uninspectable", "clean"]
    assert found[0]["uninspectable"] == [{"part": "", "reason": "the scan failed: the worker ended with code 9"}]
    assert found[0]["sha256"] == hashlib.sha256((tmp_path / "1.eml").read_bytes()).hexdigest()


def test_a_name_that_is_no_utf_8_is_still_json(capsys, tmp_path):
    """A file name of raw octets does not stop the answer."""
    path = os.fsencode(tmp_path) + b"/caf\xe9.eml"
    with open(path, "wb") as file:  # noqa: PTH123 - a path of octets is what this is about
        file.write(CLEAN)
    code = main(["scan", "--json", "--jobs", "1", str(tmp_path)])
    line = capsys.readouterr().out

    assert code == 0
    line.encode("utf-8")
    assert os.fsencode(json.loads(line)["path"]) == path


def test_the_table_is_for_people(capsys, tmp_path):
    """Without --json there is a table with verdict, action and reasons, and a line that sums it up."""
    (tmp_path / "a.eml").write_bytes(CLEAN)
    (tmp_path / "b\x1b[31m.exe").write_bytes(program())
    code = main(["scan", "--jobs", "1", str(tmp_path)])
    output = capsys.readouterr()

    assert code == 1
    assert "clean    " in output.out
    assert "malicious" in output.out
    assert "2 scanned: 1 clean, 1 malicious" in output.out
    assert "\x1b" not in output.out
    assert output.err == ""


def test_an_empty_folder_is_nothing_to_scan(capsys, tmp_path):
    """Nothing found is no error."""
    assert main(["scan", "--jobs", "1", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "nothing to scan\n"


def test_dns_is_asked_only_where_it_is_wanted(scan, tmp_path, monkeypatch):
    """With --dns the results are those of the answers; a file has no envelope, so that SPF stays not-checked."""
    path = tmp_path / "clean.eml"
    path.write_bytes(CLEAN)
    asked = []

    class Listening(Table):
        async def answer(self, questions):
            asked.extend(questions)
            return await super().answer(questions)

    monkeypatch.setattr("counterfoil.cli.scan.Network", lambda: Listening({}))
    without, with_dns = scan(path)[1][0], scan(path, "--dns")[1][0]

    assert without["authentication"] == dict.fromkeys(("spf", "dkim", "dmarc", "arc"), "not-checked")
    assert with_dns["authentication"] == {"spf": "not-checked", "dkim": "none", "dmarc": "none", "arc": "none"}
    assert Question("_dmarc.example.org", RecordType.TXT) in asked
