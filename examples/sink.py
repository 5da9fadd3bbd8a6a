"""A next hop that takes everything and remembers it, octet for octet. For the demonstration only."""

import re
import socketserver
import threading
from dataclasses import dataclass, field
from typing import Self


@dataclass
class Taken:
    """A message that the sink answered 250 to."""

    sender: str
    recipients: list[str]
    content: bytes = field(repr=False)


class Sink:
    """Listens on a free port of loopback until the block ends."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[socketserver.StreamRequestHandler]:
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.say("220 sink ESMTP")
                sender, recipients = "", []
                while line := self.rfile.readline().decode().rstrip():
                    verb = line[:4].upper()
                    if verb == "EHLO":
                        self.say("250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8")
                    elif verb == "MAIL":
                        sender, recipients = address(line), []
                        self.say("250 2.1.0 ok")
                    elif verb == "RCPT":
                        recipients.append(address(line))
                        self.say("250 2.1.5 ok")
                    elif verb == "DATA":
                        self.say("354 go on")
                        content = b"".join(iter(self.content_line, b".\r\n"))
                        sink.taken.append(Taken(sender, recipients, content))
                        self.say(f"250 2.0.0 taken as {len(sink.taken)}")
                    elif verb == "QUIT":
                        return self.say("221 bye")
                    else:
                        self.say("250 2.0.0 ok")
                return None

            def content_line(self) -> bytes:
                line = self.rfile.readline()
                if not line:
                    raise ConnectionError
                return line[1:] if line.startswith(b".") and line != b".\r\n" else line

            def say(self, reply: str) -> None:
                self.wfile.write(f"{reply}\r\n".encode())

        return Handler


def address(line: str) -> str:
    """Return what stands between the angle brackets."""
    found = re.search(r"<(.*?)>", line)
    return found[1] if found else ""
