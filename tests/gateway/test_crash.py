"""The real gateway is killed again and again while numbered messages flow through it over real SMTP.

Every number is sent until it is acknowledged, as a mail server would. Afterwards three books are compared:
what the clients saw acknowledged, what the next hop and the quarantine have, and the gateway's own journal.
"""

import json
import os
import random
import signal
import smtplib
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.gateway.recorder import Recorder

CONFIG = """
[gateway]
listen = "127.0.0.1:0"
hostname = "gateway.example"
connections_per_client = 100
messages_per_minute = 1000000

[dns]
enabled = false

[scan]
workers = 1
"""

MACRO = Path(__file__).parents[2] / "examples" / "macro.eml"


@dataclass
class Gateway:
    """`counterfoil serve` in a folder, started and killed."""

    folder: Path
    process: subprocess.Popen | None = None
    port: int = 0
    starts: int = 0

    def command(self, *words):
        line = [sys.executable, "-m", "counterfoil", *words, "--json", "--data", str(self.folder / "data")]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode in (0, 1), done.stderr
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def start(self):
        self.starts += 1
        log = self.folder / f"serve-{self.starts}.log"
        config = self.folder / "counterfoil.toml"
        config.write_text(CONFIG)
        with log.open("wb") as stderr:
            line = [sys.executable, "-m", "counterfoil", "serve", "--config", str(config)]
            self.process = subprocess.Popen(
                [*line, "--data", str(self.folder / "data")], stderr=stderr, start_new_session=True
            )
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            events = [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("}\n")]
            if any(event["message"] == "ready" for event in events):
                self.port = next(event["port"] for event in events if event["message"] == "listening")
                return
            time.sleep(0.02)
        pytest.fail(f"the gateway did not start: {log.read_text()}")

    def end(self, number):
        """Send the whole process group a signal and wait for its end."""
        self.port = 0
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        self.process.wait(60)


@dataclass
class Senders:
    """Threads that send each number until it is acknowledged."""

    gateway: Gateway
    numbers: list[int]
    acknowledged: Counter = field(default_factory=Counter)
    attempts: int = 0
    stopped: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self):
        macro = MACRO.read_bytes().replace(b"robin@customer.example", b"bob@tenant.example")
        while not self.stopped:
            with self.lock:
                if not self.numbers:
                    return
                number = self.numbers.pop()
            raw = macro if number % 4 == 0 else b"Subject: numbered\r\n\r\nhello\r\n"
            while not self.stopped and not self.sent(number, raw):
                time.sleep(0.02)

    def sent(self, number, raw):
        port = self.gateway.port
        if not port:
            return False
        self.attempts += 1
        sender = f"n{number}@sender.example"
        try:
            client = smtplib.SMTP("127.0.0.1", port, local_hostname="c.example", timeout=30)
            try:
                client.sendmail(sender, ["bob@tenant.example"], raw)
            finally:
                client.close()
        except (OSError, smtplib.SMTPException):
            return False
        self.acknowledged[sender] += 1
        return True


def crash(folder, *, kills, messages, seed):
    """Run it and compare the books; return the counts."""
    chance = random.Random(seed)
    gateway = Gateway(folder)
    with Recorder(seed) as recorder:
        gateway.command(
            "tenant", "add", "t1", "--domain", "tenant.example", "--tls", "none",
            "--next-hop", f"127.0.0.1:{recorder.port}",
        )  # fmt: skip
        senders = Senders(gateway, list(range(messages)))
        threads = [threading.Thread(target=senders.run) for _ in range(6)]
        gateway.start()
        try:
            for thread in threads:
                thread.start()
            for _ in range(kills):
                time.sleep(chance.uniform(0.05, 0.6))
                gateway.end(signal.SIGKILL)
                gateway.start()
            for thread in threads:
                thread.join(90)
        finally:
            senders.stopped = True
            gateway.end(signal.SIGTERM)
        for thread in threads:
            thread.join(30)
        return compare(gateway, senders, recorder) | {"kills": kills, "seed": seed}


def compare(gateway, senders, recorder):
    """Hold the three books against each other; the journal is read by the command, as an operator would."""
    stories = gateway.command("track", "--limit", "100000")
    held = Counter(story["sender"] for story in gateway.command("quarantine", "list", "--limit", "100000"))
    written = {outcome: Counter() for outcome in ("handed-on", "held", "unknown", "deferred", "refused")}
    unheard = Counter()
    for story in stories:
        written[story["outcome"]][story["sender"]] += 1
        unheard[story["sender"]] += [step["outcome"] for step in story["dispositions"]][1:] == ["unknown"]
    homes = recorder.taken + held
    settled = written["handed-on"] + written["held"]
    lost = [sender for sender in senders.acknowledged if not homes[sender]]
    for sender in homes:
        # Every home is in the journal, as settled or as unknown; what the journal says is settled has a home.
        assert settled[sender] <= homes[sender] <= settled[sender] + written["unknown"][sender], sender
    unknown = written["unknown"] + unheard
    for sender, count in homes.items():
        # The strict law, message by message: who has it twice may not have heard of it once.
        assert count - 1 <= unknown[sender], sender
        assert settled[sender] - senders.acknowledged[sender] <= unheard[sender], sender
    mail = gateway.command("ledger", "verify")["mail"]
    assert mail["holds"]
    assert mail["unknown"] == unknown.total()
    return {
        "acknowledged": senders.acknowledged.total(),
        "attempts": senders.attempts,
        "lost": len(lost),
        "doubled": homes.total() - len(homes),
        "unknown": unknown.total(),
        "held": held.total(),
    }


def check(counts, messages):
    """Print the counts and hold them to what is promised."""
    sys.stdout.write(f"\ncrash test: {counts}\n")
    assert counts["acknowledged"] == messages
    assert counts["lost"] == 0
    assert counts["doubled"] <= counts["unknown"]


def test_killed_gateway_loses_nothing(tmp_path):
    """Killed 3 times, the gateway loses no acknowledged message, and every double was of unknown fate."""
    check(crash(tmp_path, kills=3, messages=80, seed=1), 80)


def test_no_fault_no_doubt(tmp_path):
    """Without a kill nothing is doubled and nothing unknown, also after the gateway was stopped in good order."""
    counts = crash(tmp_path, kills=0, messages=60, seed=2)
    check(counts, 60)
    assert (counts["unknown"], counts["doubled"]) == (0, 0)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(5))
def test_crash_many_times(tmp_path, seed):
    """The same, killed 40 times a run."""
    check(crash(tmp_path, kills=40, messages=2000, seed=seed), 2000)
