"""A real Postfix, as the tests start it, with a milter in front of its queue or with none."""

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from bench.places import account, processor_seconds, program

MAKING_ROOM = ("smtpd_client_connection_rate_limit=0", "message_size_limit=52428800", "in_flow_delay=0")


@dataclass(frozen=True, slots=True)
class Postfix:
    """A running Postfix: its port and its master process."""

    port: int
    pid: int

    def processor(self) -> float:
        """Seconds of the processor that it has used, processes that ended included."""
        return processor_seconds(self.pid)


@contextlib.contextmanager
def postfix(*, milter: int, relay: int) -> Iterator[Postfix]:
    """Start it; a milter of port 0 is none."""
    command = program("postfix")
    account("postfix")
    from tests.gateway.postfix import postfix as of_the_tests  # noqa: PLC0415 - not before we know that it is here

    with of_the_tests(milter=milter, relay=relay) as (port, log):
        configuration = ["-c", str(log.parent / "etc")]
        settings = [*MAKING_ROOM, *([] if milter else ["smtpd_milters="])]
        subprocess.run([program("postconf"), *configuration, "-e", *settings], check=True, timeout=60)
        subprocess.run([command, *configuration, "reload"], check=True, capture_output=True, timeout=60)
        yield Postfix(port, int((log.parent / "queue/pid/master.pid").read_text()))
