"""The console as ``counterfoil serve`` runs it: over TLS, or behind a proxy."""

import asyncio
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.app.test_serving import HELD, Serve, command, send, serving
from tests.console.house import log_in, post, token
from tests.gateway.peers import Sink

from counterfoil.app.consoling import Look
from counterfoil.bounded.pool import Bounds
from counterfoil.gateway.server import SmtpServer
from counterfoil.model.mail import Direction

LISTEN = '[console]\nlisten = "127.0.0.1:0"\n'


def ports(serve: Serve) -> dict[str, int]:
    """Return the port of each face."""
    serve.wait_for("ready")
    return {str(event["face"]): int(str(event["port"])) for event in serve.events() if event["message"] == "listening"}


@contextmanager
def browser(folder: Path, port: int) -> Iterator[httpx.Client]:
    """Open a browser that trusts the gateway's own test certificate and nothing else."""
    trust = ssl.create_default_context(cafile=str(folder / "data" / "test-certificate.pem"))
    trust.check_hostname = False
    with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trust, timeout=30) as client:
        yield client


def account(capsys: pytest.CaptureFixture[str], folder: Path, name: str, *words: str) -> str:
    """Add an account as a person would; return its password."""
    made = command(capsys, folder, "operator", "add", name, "--generate", *words)
    assert isinstance(made, dict)
    return str(made["password"])


async def test_from_no_account_to_a_released_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The log-in says how to make an account; with it a held message is found, released, and arrives as it was held."""
    sink = Sink()
    hop = SmtpServer(sink, hostname="sink.test")
    hop_port = await hop.listen("127.0.0.1", 0, Direction.INBOUND)
    with serving(tmp_path, LISTEN) as serve:
        listening = await asyncio.to_thread(ports, serve)
        with browser(tmp_path, listening["console"]) as client:
            page = await asyncio.to_thread(client.get, "/log-in")
            assert "counterfoil operator add NAME --role operator --all-tenants --generate" in page.text
            added = ("tenant", "add", "c", "--domain", "customer.example", "--tls", "none")
            command(capsys, tmp_path, *added, "--next-hop", f"127.0.0.1:{hop_port}")
            password = account(capsys, tmp_path, "ops", "--role", "operator", "--all-tenants")
            assert await asyncio.to_thread(send, listening["smtp"], HELD) == 250
            assert (await asyncio.to_thread(log_in, client, "ops", password)).status_code == 303
            assert "There is no account yet" not in (await asyncio.to_thread(client.get, "/log-in")).text
            (row,) = (await asyncio.to_thread(client.get, "/quarantine.json")).json()["quarantine"]
            await asyncio.to_thread(post, client, "/quarantine/release", {"id": row["id"]})
            for _ in range(300):
                story = (await asyncio.to_thread(client.get, f"/messages/{row['id']}.json")).json()
                if story["steps"][-1]["outcome"] == "released":
                    break
                await asyncio.sleep(0.1)
        assert [(step["outcome"], step["actor"]) for step in story["steps"]] == [
            ("held", "smtp"),
            ("released", "console:ops"),
        ]
        assert password not in serve.log.read_text()
    await hop.drain(1)


def test_behind_a_proxy_there_is_no_tls_and_the_proxys_word_on_addresses_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Plain HTTP on loopback; the cookie is still for TLS alone, and the ledger has the browser's address."""
    with serving(tmp_path, f"{LISTEN}behind_proxy = true\n") as serve:
        port = ports(serve)["console"]
        password = account(capsys, tmp_path, "ops", "--role", "viewer", "--all-tenants")
        forwarded = {"x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "https"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=forwarded, timeout=30) as client:
            page = client.get("/log-in")
            cookie = page.headers["set-cookie"]
            assert "Secure" in cookie
            own = cookie.split(";")[0].split("=", 1)[1]
            form = {"token": token(page.text, "token"), "name": "ops", "password": password}
            answer = client.post("/log-in", data=form, headers={"cookie": f"__Host-counterfoil-form={own}"})
        assert answer.status_code == 303
        exported = command_text(capsys, tmp_path, "ledger", "export", "--all")
        (stub,) = [json.loads(line) for line in exported.splitlines() if '"log-in"' in line]
        assert stub["detail"] == {"address": "198.51.100.7"}


def command_text(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> str:
    """Run a command and return what it prints."""
    from counterfoil.__main__ import main

    assert main([*words, "--data", str(folder / "data")]) == 0
    return capsys.readouterr().out


def test_an_address_that_is_taken(tmp_path: Path):
    """Serve says which key to change, and does not start half."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving(tmp_path, f'[console]\nlisten = "127.0.0.1:{port}"\n') as serve:
            assert serve.process.wait(60) == 2
            assert f"the console cannot listen on 127.0.0.1 port {port}" in serve.log.read_text()
            assert "change console.listen" in serve.log.read_text()


def test_a_message_that_kills_its_reader_is_said_to_be_uninspectable():
    """A worker that runs out of its bounds ends; the page says why and the next message is read."""
    look = Look(Bounds(seconds=5, memory=2**30, output=2**20))
    try:
        scan = look(b"Subject: a\r\n\r\n" + b"x" * 2**22)
        assert scan.uninspectable[0].reason.startswith("it could not be taken apart")
        assert look(b"Subject: a\r\n\r\ntext\r\n").parts[0].data == b"text\r\n"
    finally:
        look.close()
