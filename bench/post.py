"""``python -m bench.post PORT ADDRESS``: one message after the other, until standard input ends.

A process of its own, so that what is measured is not the sender. Each line is when a message was begun, by the clock
that all processes share (``CLOCK_MONOTONIC``), and the seconds from its MAIL FROM to the answer to its dot.
"""

import json
import select
import smtplib
import sys
import time

PAUSE = 0.1
HEAD = "Subject: {0}\r\nMessage-ID: <{0}@bench.example>\r\n\r\nHello.\r\n"


def main() -> None:
    """Send."""
    port, address = int(sys.argv[1]), sys.argv[2]
    number = 0
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        while not select.select([sys.stdin], [], [], PAUSE)[0]:
            number += 1
            began = time.monotonic()
            client.sendmail("a@bench.example", [address], HEAD.format(number))
            print(json.dumps([began, time.monotonic() - began]), flush=True)


if __name__ == "__main__":
    main()
