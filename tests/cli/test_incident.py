"""``counterfoil incident`` by command, as the runbook in docs/incident.md walks through it."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout

import pytest
from tests.app.laboratory import place
from tests.app.test_rotation import connected
from tests.incident.conftest import entry

from counterfoil.__main__ import main

MARK = "1E8E9FFC270FA9770114BCB88D85F863CE0159F6"
"""The certificate in the rows of ``entry``: none of ours."""


def run(at, *words):
    """Run a command in this process, as its users would; return the exit code, its answer and its messages."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([*words, "--json", "--data", str(at.data), "--config", str(at.config)])
    return code, json.loads(out.getvalue()) if out.getvalue() else None, err.getvalue()


def shown(at, *words):
    """Run a command in this process; return what it prints for people."""
    out = io.StringIO()
    with redirect_stdout(out):
        main([*words, "--data", str(at.data), "--config", str(at.config)])
    return out.getvalue()


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """A laboratory with one customer; its key was reported stolen, and the incident is open."""
    with place(tmp_path_factory.mktemp("incident")) as made:
        made.mail, _ = connected(made, "contoso")
        made.mark = made.books.connections.current(made.mail).thumbprint_sha1
        made.opened = run(made, "incident", "open", "leak", "--thumbprint", made.mark.lower(), "--operator", "ada")
        answer = made.data.parent / "answer.json"
        mine = json.dumps(entry(made.mail.tenant_id)).replace(MARK, made.mark)
        answer.write_text(json.dumps({"tenants": [json.loads(mine), entry("other", "fabrikam")]}))
        made.scoped = run(made, "incident", "scope", "leak", "--answer", str(answer))
        yield made


def test_open_says_what_it_concerns(at):
    """One connection has the certificate; the reference is what customers will read."""
    code, said, _ = at.opened
    assert (code, said["status"], said["connections"]) == (0, "open", 1)
    assert said["reference"].startswith("CF-")
    assert "leak" not in said["reference"]


def test_a_thumbprint_of_nobody_is_doubted(at, capsys):
    """It may be mistyped; what is opened is a review, and the words ask."""
    main(["incident", "open", "typo", "--thumbprint", "0" * 40, "--data", str(at.data), "--config", str(at.config)])
    printed = capsys.readouterr().out
    assert "(review)" in printed
    assert "is it spelled right?" in " ".join(printed.split())


def test_scope_is_taken_from_the_answer(at):
    """Our name for the tenant, its state, and our own uses stand beside each other."""
    code, rows, _ = at.scoped
    assert code == 0
    (mine,) = [row for row in rows if row["tenant"] == at.mail.tenant_id]
    assert (mine["name"], mine["state"], mine["has_the_certificate"]) == ("contoso", "touched", True)
    assert mine["tokens_of_ours"] >= 1


def test_radius_is_of_the_touched(at):
    """What was read, to the message, tenant by tenant; of one tenant where one is named."""
    code, said, _ = run(at, "incident", "radius", "leak", "--tenant", "contoso")
    assert code == 0
    assert list(said) == [at.mail.tenant_id]
    assert said[at.mail.tenant_id]["read"]["messages"] == ["<1@own.example>"]


def test_contain_asks_for_a_name_and_shows_the_gap_until_it_is_released(at):
    """Nobody is asked without a terminal; --yes does it, who and why are on record, and show tells the gap."""
    words = ("incident", "contain", "leak", "--tenant", "contoso", "--how", "disable", "--why", "stolen")
    code, _, errors = run(at, *words, "--operator", "grace")
    assert (code, "nobody is here to say yes" in errors) == (2, True)
    code, said, _ = run(at, *words, "--operator", "grace", "--yes")
    assert (code, said[0]["done"]) == (0, True)
    code, said, _ = run(at, "incident", "show", "leak", "--check")
    assert code == 0
    assert "disable by grace" in said["gaps"][0]
    assert said["containments"][0]["why"] == "stolen"
    code, _, errors = run(at, "incident", "close", "leak", "--why", "over")
    assert (code, "still shut: 1 connection" in errors) == (2, True)
    code, said, _ = run(at, "incident", "release", "leak", "--all", "--yes")
    assert (code, said[0]["done"]) == (0, True)


@pytest.mark.parametrize(
    "words",
    [
        (
            "contain",
            "leak",
            "--tenant",
            "contoso",
            "--how",
            "disable",
            "--operator",
            "g",
            "--yes",
            "--why",
            "Fabrikam said",
        ),
        ("person", "leak", "Eve", "--tenant", "contoso", "--role", "knows mail.fabrikam.example"),
        ("bundle", "leak", "--tenant", "contoso", "--out", "contoso-and-fabrikam.zip"),
    ],
)
def test_words_about_a_customer_name_no_other(at, words):
    """They would go into that customer's evidence; refused before anything is done (law 11)."""
    run(at, "tenant", "add", "fabrikam", "--domain", "fabrikam.example", "--next-hop", "[127.0.0.1]:25")
    before = len(run(at, "incident", "show", "leak")[1]["timeline"])
    code, _, errors = run(at, "incident", *words)
    assert (code, "name another customer: fabrikam" in errors) == (2, True)
    assert len(run(at, "incident", "show", "leak")[1]["timeline"]) == before


def test_nothing_goes_out_that_nobody_approved(at, tmp_path):
    """Draft, refused, approved by name, exported; then told by telephone, which alone counts as told."""
    out = tmp_path / "out"
    code, rows, _ = run(at, "incident", "notices", "draft", "leak", "--tenant", "contoso", "--sender", "Example")
    assert (code, [(r["tenant"], r["state"]) for r in rows]) == (0, [("contoso", "draft")])
    code, _, errors = run(at, "incident", "notices", "export", "leak", "--out", str(out))
    assert (code, "no notice that fits is approved" in errors) == (2, True)
    code, rows, _ = run(at, "incident", "notices", "approve", "leak", "--operator", "grace")
    assert (code, rows[0]["approved_by"]) == (0, "grace")
    code, paths, _ = run(at, "incident", "notices", "export", "leak", "--out", str(out))
    assert code == 0
    assert "Somebody else used our connection" in (out / "contoso" / "facts.html").read_text()
    assert len(paths) == 2
    _, said, _ = run(at, "incident", "report", "leak")
    assert said["counts"]["told"] == 0
    _, (row,), _ = run(at, "incident", "notices", "list", "leak")
    assert (row["told"], [line["words"] for line in row["exported"]]) == ([], ["exported for contoso"])
    _, shown, _ = run(at, "incident", "show", "leak")
    assert [line["kind"] for line in shown["timeline"] if line["words"].startswith("exported")] == ["exported"]
    words = ("incident", "notices", "told", "leak", "--how", "telephone", "--whom", "Bob")
    code, rows, _ = run(at, *words)
    assert (code, "Bob was told" in rows[0]["told"][-1]["words"]) == (0, True)
    _, said, _ = run(at, "incident", "report", "leak")
    assert said["counts"]["told"] == 1


def test_a_notice_is_not_mailed_where_nobody_is_entered(at):
    """An address is somebody's word, never a guess."""
    run(at, "incident", "notices", "draft", "leak", "--tenant", "contoso", "--sender", "Example")
    run(at, "incident", "notices", "approve", "leak", "--operator", "grace")
    code, _, errors = run(at, "incident", "notices", "send", "leak", "--from", "a@x.example")
    assert (code, "nobody is entered for" in errors) == (2, True)


def test_who_has_not_done_it_can_be_reminded(at):
    """Asked, listed as open with a deadline; a reminder goes to nobody who is not entered, and the words name him."""
    code, _, errors = run(at, "incident", "steps", "remind", "leak", "--from", "a@x.example")
    assert (code, "no notice that fits is approved" in errors) == (2, True)
    run(at, "incident", "steps", "draft", "leak", "--sender", "Example", "--also-ours", "--operator", "ada")
    code, rows, _ = run(at, "incident", "steps", "list", "leak")
    assert (code, [(row["tenant"], row["state"], row["mailed"]) for row in rows]) == (1, [("contoso", "open", 0)])
    run(at, "incident", "notices", "approve", "leak", "--operator", "grace")
    code, _, errors = run(at, "incident", "steps", "remind", "leak", "--from", "a@x.example")
    assert (code, "nobody is entered for contoso" in errors) == (2, True)


def test_papers_are_written(at, tmp_path):
    """The page names the customer, the layer pins its version, the bundle says how to verify it."""
    page, layer, bundle = (tmp_path / name for name in ("fleet.html", "layer.json", "b.zip"))
    code, said, _ = run(at, "incident", "report", "leak", "--html", str(page), "--navigator", str(layer))
    assert (code, said["counts"]["touched"]) == (0, 1)
    assert "contoso" in page.read_text()
    versions = json.loads(layer.read_text())["versions"]
    assert versions["attack"] == "18"
    code, said, _ = run(at, "incident", "bundle", "leak", "--tenant", "contoso", "--out", str(bundle))
    assert code == 0
    assert bundle.stat().st_size > 1000
    assert "+" in said["key"]


def test_what_is_decided_and_done_stands_in_the_record(at, tmp_path):
    """Decision with its reason, task, person, evidence: each an entry; a task that is open keeps it open."""
    code, said, _ = run(at, "incident", "decide", "leak", "rotate today", "--why", "it is stolen")
    assert (code, said["detail"]["reason"]) == (0, "it is stolen")
    assert "rotate today, because: it is stolen" in shown(at, "incident", "show", "leak")
    _, task, _ = run(at, "incident", "task", "leak", "call them", "--owner", "bob")
    code, _, errors = run(at, "incident", "close", "leak", "--why", "over")
    assert (code, "still open: 1 task" in errors) == (2, True)
    code, _, errors = run(at, "incident", "task", "leak", "--done", "999")
    assert (code, "there is no task 999" in errors) == (2, True)
    assert run(at, "incident", "task", "leak", "--done", str(task["number"]))[0] == 0
    log = tmp_path / "log.json"
    log.write_text("{}")
    code, said, _ = run(at, "incident", "hold", "leak", str(log))
    assert (code, "log.json" in [e["name"] for e in said]) == (0, True)


def test_watch_says_by_its_exit_code_whether_somebody_has_to_look(at):
    """No alarm: 0."""
    code, said, _ = run(at, "incident", "watch")
    assert (code, said) == (0, [])


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("show", "none"), "there is no incident none"),
        (("open", "other"), "an incident needs a subject"),
        (("open", "other", "--thumbprint", "xyz"), "this is no thumbprint"),
        (("from-answer", "other", "missing.json"), "missing.json cannot be read"),
        (("campaign", "leak", "none"), "there is no campaign none"),
        (("radius", "leak", "--tenant", "nobody"), "there is no tenant nobody with a connection"),
        (("steps", "draft", "leak", "--sender", "x"), "no connection that has to be replaced by hand"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(at, words, error):
    """Exit 2, the reason, and nothing on stdout."""
    code, said, errors = run(at, "incident", *words)
    assert (code, said) == (2, None)
    assert error in errors
    assert "Traceback" not in errors


def test_an_answer_about_another_certificate_touches_nobody(at):
    """It says so; who does not have the certificate gets no draft, and who has it is not told of a theft with it."""
    other = entry("other", "fabrikam")
    mine = entry(at.mail.tenant_id)
    answer = at.data.parent / "another.json"
    answer.write_text(json.dumps({"tenants": [mine, other]}))
    run(at, "incident", "open", "second", "--thumbprint", at.mark, "--operator", "ada")
    code, rows, _ = run(at, "incident", "scope", "second", "--answer", str(answer))
    assert code == 0
    assert [(row["tenant"], row["state"]) for row in rows] == [(at.mail.tenant_id, "cannot-say")]
    _, shown, _ = run(at, "incident", "show", "second")
    (said,) = [line["words"] for line in shown["timeline"] if line["kind"] == "scope"]
    assert said.startswith("0 touched, 1 cannot be judged, 0 clean; ")  # the stranger's tenant is not counted
    assert said.endswith("whom it calls touched, another credential touched")
    out = io.StringIO()
    with redirect_stdout(out):
        main(["incident", "scope", "second", "--data", str(at.data), "--config", str(at.config)])
    assert "another credential touched" in " ".join(out.getvalue().split())
    code, drafts, _ = run(at, "incident", "notices", "draft", "second", "--sender", "Us")
    assert (code, [row["tenant"] for row in drafts]) == (0, ["contoso"])
    _, (notice,), _ = run(at, "incident", "notices", "show", "second")
    assert "(how sure: proven)" not in notice["text"]
    assert "findings about another credential" in notice["text"]
    assert "<1@own.example>" not in notice["text"]


def test_no_mail_about_a_customer_goes_into_anothers_domain(at):
    """Not by the person entered, nor by --to; somebody who belongs to both is named as such."""
    run(at, "tenant", "add", "fabrikam", "--domain", "fabrikam.example", "--next-hop", "[127.0.0.1]:25")
    person = ("person", "leak", "Eve", "--tenant", "contoso", "--address", "eve@Fabrikam.example")
    code, _, errors = run(at, "incident", *person)
    assert (code, "is in the domain of another customer than contoso" in errors) == (2, True)
    run(at, "incident", "notices", "draft", "leak", "--tenant", "contoso", "--sender", "Example")
    run(at, "incident", "notices", "approve", "leak", "--operator", "grace")
    send = ("notices", "send", "leak", "--tenant", "contoso", "--from", "security@example.net")
    code, _, errors = run(at, "incident", *send, "--to", "eve@fabrikam.example")
    assert (code, "is in the domain of another customer than contoso" in errors) == (2, True)
    assert "Fabrikam" not in str(run(at, "incident", "show", "leak")[1]["timeline"])
    assert run(at, "incident", *person, "--other-domain")[0] == 0
    assert run(at, "incident", *send)[0] == 1  # nobody listens there; that it may go there is not asked again


def test_an_incident_that_closes_says_who_was_not_told(at):
    """Nothing holds it open, but whoever closes it reads that it was not all done."""
    run(at, "incident", "open", "early", "--thumbprint", at.mark, "--operator", "ada")
    code, said, errors = run(at, "incident", "close", "early", "--why", "another one has it")
    assert (code, said["kind"]) == (0, "closed")
    assert "it is closed all the same, but 1 customer not told, 1 customer cannot be judged" in errors
