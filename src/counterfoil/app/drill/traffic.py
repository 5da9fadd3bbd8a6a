"""Numbered messages through the real gateway, and the sender's own count of what was acknowledged."""

import base64
import re
import smtplib
import threading
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Self

from counterfoil.app.drill.customers import Customer
from counterfoil.app.drill.stage import Stage

SENDER = "news@vendor.example"


@dataclass(slots=True)
class Sent:
    """Numbers by what the gateway answered; ``unsure`` had no whole answer."""

    acknowledged: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    unsure: set[int] = field(default_factory=set)


class Traffic:
    """Sends one numbered message after the other until it is stopped, round all customers."""

    def __init__(self, stage: Stage, customers: list[Customer], pause: float) -> None:
        self.sent = Sent()
        self._stage, self._customers, self._pause = stage, customers, pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drill-traffic")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop, and wait for the message under way."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        for number in count(1):
            if self._stop.wait(self._pause):
                return
            customer = self._customers[number % len(self._customers)]
            self.send(number, customer.mailboxes[0])

    def send(self, number: int, recipient: str) -> None:
        """Send one message and count the answer."""
        try:
            with smtplib.SMTP("127.0.0.1", self._stage.smtp, "mail.vendor.example", timeout=60) as client:
                client.sendmail(SENDER, [recipient], _message(number, recipient))
        except smtplib.SMTPResponseException:
            self.sent.refused.add(number)
        except (OSError, smtplib.SMTPException):
            self.sent.unsure.add(number)
        else:
            self.sent.acknowledged.add(number)


def _message(number: int, recipient: str) -> bytes:
    return (
        f"From: News <{SENDER}>\r\nTo: {recipient}\r\nSubject: Number {number}\r\n"
        f"Message-ID: <drill-{number}@vendor.example>\r\nDate: Mon, 05 Oct 2026 09:00:00 +0000\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nThis is message {number}.\r\n"
    ).encode()


def copies(stage: Stage, customers: list[Customer]) -> dict[int, int]:
    """Count the copies of each number in the mailboxes and among the held bytes themselves, not in our own books."""
    found: Counter[int] = Counter()
    boxes = (box for customer in customers for box in customer.mailboxes)
    delivered = (base64.b64decode(m["mime"]) for box in boxes for m in stage.lab.operate("messages", address=box))
    held = (path.read_bytes() for path in (stage.folder / "data" / "held").rglob("*") if path.is_file())
    for raw in chain(delivered, held):
        number = NUMBER.search(raw)
        if number is not None:
            found[int(number[1])] += 1
    return dict(found)


NUMBER = re.compile(rb"^Message-ID: <drill-(\d+)@", re.MULTILINE)
