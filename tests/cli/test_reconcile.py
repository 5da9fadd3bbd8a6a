"""``counterfoil reconcile``, ``touched`` and ``id`` from outside: output, exit codes, and the planted story."""

import json
import re

import pytest
from tests.cli.fleet import APP, SHA1
from tests.credential.conftest import SignerProcess

from counterfoil.__main__ import main


def _json(capsys, *words):
    code = main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_planted_story_is_told_to_the_message(fleet, capsys):
    """Three touched and one replayed of twelve that use it, each message named; the unlicensed one cannot be judged."""
    code, answer = _json(capsys, "reconcile", *fleet.arguments)
    by_name = {tenant["tenant"]: tenant for tenant in answer["tenants"]}

    assert code == 1
    assert answer["summary"] == {"tenants": 60, "using": 12, "touched": 4, "cannot_say": 1, "clean": 55}
    for tenant, messages in fleet.touched.items():
        assert by_name[tenant]["discrepancies"][0]["kind"] == "stolen-certificate"
        assert by_name[tenant]["radius"]["read"]["messages"] == sorted(messages)
        assert by_name[tenant]["radius"]["changed"]["mailboxes"] == []
    assert by_name[fleet.replayed]["discrepancies"][0]["kind"] == "replayed-token"
    assert by_name[fleet.replayed]["radius"]["read"]["messages"] == ["<replayed@x.example>"]
    assert by_name[fleet.unlicensed]["state"] == "cannot-say"


def test_the_shape_of_the_answer_is_exact(fleet, capsys):
    """Scripts rely on these keys and no others."""
    _, answer = _json(capsys, "reconcile", *fleet.arguments)
    touched = next(tenant for tenant in answer["tenants"] if tenant["state"] == "touched")

    assert set(answer) == {"summary", "tenants"}
    assert set(touched) == {"tenant", "name", "state", "reasons", "discrepancies", "radius", "could", "coverage"}
    assert set(touched["discrepancies"][0]) == {"kind", "rule", "first", "last", "count", "addresses", "evidence"}
    assert set(touched["radius"]) == {"read", "changed", "persistence", "techniques"}
    assert (
        set(touched["radius"]["read"])
        == set(touched["radius"]["changed"])
        == {"mailboxes", "messages", "items", "widened"}
    )
    assert all(
        set(entry) == {"source", "hours_proven", "hours_not", "states", "bound"} for entry in touched["coverage"]
    )


def test_the_summary_comes_first(fleet, capsys):
    """A person reads the sum, then who, then why, then the files."""
    assert main(["reconcile", *fleet.arguments]) == 1
    lines = capsys.readouterr().out.splitlines()

    assert lines[1:3] == [
        "60 tenants, of which 12 use the connection (20 %)",
        "4 touched by somebody else, 1 cannot be judged, 55 clean",
    ]


def test_touched_answers_for_one_certificate(fleet, capsys):
    """One command across all tenants, thumbprint in any spelling; a replayed token is not the certificate's."""
    code, answer = _json(capsys, "touched", "--cert", "tFop9gqDshAwKxdOWDhu-7YS6qE", *fleet.arguments)

    assert code == 1
    assert answer["summary"] == {"tenants": 12, "using": 12, "touched": 3, "cannot_say": 2, "clean": 7}


@pytest.mark.parametrize("strange", ["0" * 40, "7" * 64, "11111111-2222-3333-4444-555555555555"])
def test_a_credential_that_nothing_names_is_no_all_clear(fleet, tmp_path, capsys, strange):
    """It may be mistyped: the exit code says that nobody can say, and beside a known one it is told too."""
    (tmp_path / "quiet").write_text("\n".join(json.dumps(row) for row in fleet.signins[:1]))
    quiet = [*fleet.arguments[:-1], str(tmp_path / "quiet")]
    code, answer = _json(capsys, "touched", "--cert", strange, *quiet)

    assert (code, answer["summary"]["tenants"], answer["unknown"]) == (3, 0, [strange.upper().replace("-", "")])
    assert main(["touched", "--cert", strange, *quiet]) == 3
    printed = capsys.readouterr().out
    assert "is it spelled right?" in printed
    assert "clean" not in printed
    _, both = _json(capsys, "touched", "--cert", SHA1, strange, *quiet)
    assert (both["summary"]["tenants"], len(both["unknown"])) == (12, 1)


def test_where_a_report_cannot_stand_is_said_before_the_work(fleet, tmp_path, capsys):
    """The folder is looked for first; nothing is read for a page that cannot be written."""
    assert main(["reconcile", "--stubs", "nowhere", "--logs", "x", "--report", str(tmp_path / "no" / "r.html")]) == 2
    assert "there is no folder for the report" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_keeps_nobody_from_the_answer(fleet, tmp_path, capsys):
    """The answer is printed, and then the fault."""
    (tmp_path / "quiet").write_text("")
    assert main(["reconcile", *fleet.arguments[:-1], str(tmp_path / "quiet"), "--report", str(tmp_path)]) == 2
    printed = capsys.readouterr()

    assert "60 tenants" in printed.out
    assert "the report cannot be written" in printed.err


def test_an_unreadable_thumbprint_is_an_error(fleet, capsys):
    """What is no thumbprint gives exit 2 and a hint, not an empty answer."""
    assert main(["touched", "--cert", "hello", *fleet.arguments]) == 2
    assert "neither a thumbprint nor a key id" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "words"),
    [("{", "line 1 of the stubs is no JSON"), ("", "no stub with a time"), (None, "the stubs cannot be read")],
)
def test_no_answer_is_exit_2(tmp_path, capsys, lines, words):
    """Without stubs that can be read there is no answer, and the hint says what to do."""
    if lines is not None:
        (tmp_path / "stubs").write_text(lines)
    (tmp_path / "logs").mkdir()

    assert main(["reconcile", "--stubs", str(tmp_path / "stubs"), "--logs", str(tmp_path / "logs"), "--json"]) == 2
    assert words in capsys.readouterr().err


def test_stubs_of_nobody_are_no_answer(tmp_path, capsys):
    """A file of another kind, or an empty one, and a window: "0 touched" of nobody must not end with 0."""
    (tmp_path / "stubs").write_text('{"kind": "job", "id": "j", "time": "2026-10-05T09:00:00Z"}\n')
    window = ["--since", "2026-10-05T09:00:00Z", "--until", "2026-10-05T10:00:00Z"]

    assert main(["reconcile", "--stubs", str(tmp_path / "stubs"), "--logs", str(tmp_path), *window]) == 2
    assert "the stubs name no tenant" in capsys.readouterr().err


def test_a_path_that_is_not_there_is_exit_2(tmp_path, capsys):
    """A mistyped folder is told, not taken for an empty one."""
    assert main(["reconcile", "--stubs", "x", "--logs", str(tmp_path / "nope")]) == 2
    assert "no such file or folder" in capsys.readouterr().err


def test_a_bad_file_is_no_exit_2(fleet, tmp_path, capsys):
    """A file that cannot be read costs coverage; the answer is made and the fault is on stderr."""
    (tmp_path / "bad.json").write_text("{]")
    code = main(["reconcile", *fleet.arguments, str(tmp_path / "bad.json"), "--json"])
    printed = capsys.readouterr()

    assert (code, json.loads(printed.out)["summary"]["touched"]) == (1, 4)
    assert "bad.json" in printed.err


def test_exit_3_where_nobody_can_say_and_0_where_all_is_clean(fleet, tmp_path, capsys):
    """Cannot-say has a code of its own, and clean is 0."""
    clean = fleet.tenants[8]
    (tmp_path / "one").write_text("\n".join(json.dumps(stub) for stub in fleet.stubs if stub["tenant"] == clean))
    for name, rows in (("signins.json", fleet.signins), ("audit.json", fleet.audit)):
        kept = [row for row in rows if clean in (row.get("resourceTenantId"), row.get("OrganizationId"))]
        (tmp_path / name).write_text("\n".join(map(json.dumps, kept)))
    words = [
        "reconcile",
        "--stubs",
        str(tmp_path / "one"),
        "--logs",
        str(tmp_path / "signins.json"),
        str(tmp_path / "audit.json"),
    ]

    assert main(words) == 0
    assert main(words[:-1]) == 3
    capsys.readouterr()


def test_the_report_loads_nothing_and_escapes_everything(fleet, tmp_path, capsys):
    """Text from logs is chosen by attackers: no markup of theirs and nothing from elsewhere is in the page."""
    evil = "<script>alert(1)</script>\u202egnp.exe"
    rows = [row | ({"MailboxOwnerUPN": evil} if "stolen-0-0" in json.dumps(row) else {}) for row in fleet.audit]
    (tmp_path / "audit.json").write_text("\n".join(map(json.dumps, rows)))
    logs = [str(fleet.folder / "logs" / "signins.json"), str(tmp_path / "audit.json")]
    page = tmp_path / "report.html"
    assert main(["reconcile", "--stubs", fleet.arguments[1], "--report", str(page), "--logs", *logs]) == 1
    printed, text = capsys.readouterr().out, page.read_text()

    assert "<script" not in text
    assert "\u202e" not in text + printed
    assert "&lt;script&gt;" in text
    assert "<svg" in text
    assert not any(word in text for word in (" src=", "url(", "@import"))
    assert re.findall(r' href="(?!#t\d+")', text) == []


def test_id_shows_every_spelling(capsys):
    """The normaliser stands alone on the command line."""
    code, answer = _json(capsys, "id", "OPD3UZnmTkud24wRw6ATAA", "what?")

    assert code == 1
    assert answer[0]["meanings"]["token-id"]["sign_in_id"] == "51f7f038-e699-4b4e-9ddb-8c11c3a01300"
    assert answer[1] == {"value": "what?", "meanings": {}}


@pytest.mark.parametrize("server", ["postgresql_database", None])
def test_an_installation_is_reconciled_from_its_own_ledger(tmp_path, capsys, request, server):
    """With --ledger the stubs come from the state directory or its server: own certificate, no stub, so a theft."""
    tenant = "11111111-1111-1111-1111-111111111111"
    (tmp_path / "c.toml").write_text(f'[database]\nurl = "{request.getfixturevalue(server)}"\n' if server else "")
    config = ("--config", str(tmp_path / "c.toml"))
    signer = SignerProcess(tmp_path / "state")
    try:
        words = ["credential", "create", "--tenant", tenant, "--app", APP, "--data", str(tmp_path / "state")]
        code, made = _json(capsys, *words, *config)
        assert code == 0
    finally:
        signer.kill()
    row = {
        "id": "9f3b6c1e-5d2a-4c77-8e10-4b7a2c9d1e00",
        "createdDateTime": "2026-10-05T09:30:00Z",
        "appId": APP,
        "resourceTenantId": tenant,
        "signInEventTypes": ["servicePrincipal"],
        "status": {"errorCode": 0},
        "servicePrincipalCredentialThumbprint": made["thumbprint_sha1"],
    }
    (tmp_path / "signins.json").write_text(json.dumps({"value": [row]}))
    window = ["--since", "2026-10-05T09:00:00Z", "--until", "2026-10-05T10:00:00Z"]
    places = ("--ledger", str(tmp_path / "state"), "--logs", str(tmp_path / "signins.json"))
    code, answer = _json(capsys, "reconcile", *places, *window, *config)

    assert (code, answer["tenants"][0]["discrepancies"][0]["kind"]) == (1, "stolen-certificate")
    assert (tmp_path / "state" / "counterfoil.db").exists() == (server is None)
