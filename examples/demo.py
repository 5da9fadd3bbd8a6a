"""The main job, start to end: a gateway, a next hop, a tenant, and seven messages over real SMTP.

``make demo`` runs it with ``--drill``: then a certificate is stolen from a laboratory of 200 tenants, found, replaced
and proven dead. It ends by itself: exit 0 if every message met its fate, every acknowledged message was handed on or
held, a released one arrived octet for octet, and every claim of the drill was true; else exit 1.
"""

import hashlib
import json
import os
import smtplib
import subprocess
import sys
import tempfile
import time
from email import message_from_bytes
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sink import Sink

HERE = Path(__file__).parent
LEFT = HERE.parent / "counterfoil-demo"
"""Where the report of the drill is left."""

SECONDS = 30.0
TENANT, DOMAIN = "customer", "customer.example"

EXPECTED = {
    "clean.eml": ("clean", "handed-on"),
    "velvetsweatshop.eml": ("malicious", "held"),
    "macro.eml": ("malicious", "held"),
    "smuggling.eml": ("malicious", "held"),
    "spoofed.eml": ("suspicious", "handed-on"),
    "zip-in-zip.eml": ("malicious", "held"),
    "malformed.eml": ("uninspectable", "held"),
}
"""What the default policy makes of each sample: held, or handed on (tagged where it is suspicious)."""

CONFIG = """
[gateway]
listen = "127.0.0.1:0"
hostname = "gateway.example"

[dns]
enabled = false
"""

console = Console(highlight=False)


class Demonstration:
    """A gateway with its own data folder, and what we hold against it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[str] = []
        (folder / "counterfoil.toml").write_text(CONFIG, encoding="utf-8")

    def command(self, *words: str) -> Any:
        """Run a counterfoil command as a person would, and return its JSON answer."""
        line = [sys.executable, "-m", "counterfoil", *words, "--json", "--data", str(self.folder / "data")]
        done = subprocess.run(line, capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode == 2:
            self.faults.append(f"counterfoil {' '.join(words)}: {done.stderr.strip()}")
            return []
        return json.loads(done.stdout)

    def start(self) -> tuple[subprocess.Popen[bytes], int]:
        """Start the gateway; return it and the port it listens on."""
        line = [sys.executable, "-m", "counterfoil", "serve", "--config", str(self.folder / "counterfoil.toml")]
        log = self.folder / "serve.log"
        with log.open("wb") as stderr:
            serve = subprocess.Popen([*line, "--data", str(self.folder / "data")], stderr=stderr)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and serve.poll() is None:
            events = [json.loads(text) for text in log.read_text().splitlines(keepends=True) if text.endswith("}\n")]
            if any(event["message"] == "ready" for event in events):
                return serve, next(event["port"] for event in events if event["message"] == "listening")
            time.sleep(0.05)
        serve.kill()
        sys.exit(f"the gateway did not start:\n{log.read_text()}")

    def send(self, port: int, name: str) -> tuple[int, str]:
        """Send a sample over SMTP and return the reply to it."""
        raw = (HERE / name).read_bytes()
        with smtplib.SMTP("127.0.0.1", port, local_hostname="mail.vendor.example", timeout=SECONDS) as client:
            client.ehlo()
            client.mail("dana@vendor.example")
            client.rcpt(f"robin@{DOMAIN}")
            code, text = client.data(raw)
        return code, text.decode()

    def check(self, true: bool, what: str) -> None:
        """Remember what does not hold."""
        if not true:
            self.faults.append(what)


def run(show: Demonstration, sink: Sink, port: int) -> None:
    """Add the tenant, send the samples, release one, and hold what happened against what should have."""
    show.command("tenant", "add", TENANT, "--domain", DOMAIN, "--next-hop", f"127.0.0.1:{sink.port}", "--tls", "none")
    replies = {name: show.send(port, name) for name in EXPECTED}
    stories = {story["message_id"].strip("<>"): story for story in show.command("track", "--tenant", TENANT)}
    held = {message["id"] for message in show.command("quarantine", "list", "--tenant", TENANT)}
    table = Table("message", "reply", "verdict", "became", "why", title="What became of each message", box=None)
    for name, (code, text) in replies.items():
        raw = (HERE / name).read_bytes()
        story = stories.get(str(message_from_bytes(raw)["Message-ID"]).strip("<>"))
        show.check(story is not None, f"{name}: not in the journal")
        if story is None:
            continue
        verdict, outcome = EXPECTED[name]
        show.check((story["verdict"], story["outcome"]) == (verdict, outcome), f"{name}: not {verdict} and {outcome}")
        copies = [taken for taken in sink.taken if taken.content.endswith(raw.partition(b"\r\n\r\n")[2])]
        if code == 250 and story["outcome"] == "held":
            show.check(story["id"] in held and not copies, f"{name}: acknowledged as held, and is not in quarantine")
        elif code == 250:
            show.check(len(copies) == 1, f"{name}: acknowledged and {len(copies)} times at the next hop")
        why = [
            f"{finding['check']}: {finding['summary']}"
            for finding in story["findings"]
            if finding["severity"] != "info"
        ]
        why += [f"not seen: {item['reason']}" for item in story["uninspectable"]]
        table.add_row(name, f"{code} {text}", story["verdict"], story["outcome"], "\n".join(dict.fromkeys(why)))
    console.print(table)
    release(show, sink, stories.get("macro@vendor.example"))


def release(show: Demonstration, sink: Sink, story: Any) -> None:
    """Release a held message and see that exactly the held bytes arrive."""
    if story is None or story["outcome"] != "held":
        return
    show.command("quarantine", "release", story["id"])
    end = time.monotonic() + SECONDS
    arrived = False
    while not arrived and time.monotonic() < end:
        arrived = any(hashlib.sha256(taken.content).hexdigest() == story["held_sha256"] for taken in sink.taken)
        time.sleep(0.1)
    show.check(arrived, "macro.eml: released, but the held bytes did not arrive at the next hop")
    console.print(
        f"\nreleased macro.eml ({story['id']}): {'the held bytes arrived' if arrived else 'they did not arrive'}"
    )


def drill() -> tuple[int, str]:
    """Run the drill, its progress on our stderr; return its exit code and its summary."""
    line = [sys.executable, "-m", "counterfoil", "drill", "--tenants", "200", "--seed", "1", "--data", str(LEFT)]
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, timeout=600, check=False)
    return done.returncode, done.stdout


def main() -> int:
    """Run the demonstration and return the exit code."""
    os.environ.setdefault("COLUMNS", "140")
    faults = mail()
    if "--drill" not in sys.argv:
        return 1 if faults else 0
    console.print("\nNow a certificate is stolen that 20 of 200 customers share.", style="bold")
    code, summary = drill()
    console.print(f"\nThe mail: {len(EXPECTED)} messages, {'as they should be' if not faults else 'see DIFFERS above'}")
    console.print(f"The drill:\n{summary.strip()}", markup=False)
    return 1 if faults or code else 0


def mail() -> list[str]:
    """Run the gateway and the messages through it; return what differs from what should be."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-demo-") as folder, Sink() as sink:
        show = Demonstration(Path(folder))
        serve, port = show.start()
        try:
            run(show, sink, port)
        finally:
            serve.terminate()
            code = serve.wait(SECONDS)
            if show.faults or "-v" in sys.argv:
                sys.stderr.write((Path(folder) / "serve.log").read_text())
        show.check(code == 0, f"counterfoil serve ended with exit code {code}")
    for fault in show.faults:
        console.print(f"DIFFERS: {fault}", markup=False)
    if not show.faults:
        console.print("every acknowledged message was handed on or held, and each for the reason above")
    return show.faults


if __name__ == "__main__":
    sys.exit(main())
