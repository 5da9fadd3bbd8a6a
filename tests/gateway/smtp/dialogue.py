"""Plays a dialogue file against a session; the lines of a file are explained in dialogues/README.md."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from counterfoil.gateway.smtp.events import Closed, Content, Event, Question, StartTls
from counterfoil.gateway.smtp.limits import Limits
from counterfoil.gateway.smtp.reply import Reply
from counterfoil.gateway.smtp.session import Session

LIMITS = Limits(message=2000, recipients=3, command=200, line=1200, errors=4, idle=6)


@dataclass
class Player:
    """One session and what came of it."""

    together: bool
    tls: bool = True
    answers: deque[Reply] = field(default_factory=deque)
    said: bytearray = field(default_factory=bytearray)
    events: list[Event] = field(default_factory=list)

    def __post_init__(self):
        self.session = Session("mx.test", LIMITS, tls=self.tls)
        self.session.greet()
        self.run()

    @property
    def closed(self) -> bool:
        return any(isinstance(event, Closed) for event in self.events)

    def send(self, octets: bytes) -> None:
        pieces = [octets] if self.together else [octets[i : i + 1] for i in range(len(octets))]
        for piece in pieces:
            self.session.receive(piece)
            self.run()

    def run(self) -> None:
        while (event := self.session.next_event()) is not None:
            self.events.append(event)
            if isinstance(event, Question):
                self.session.answer(self.answers.popleft() if self.answers else Reply(250, "2.0.0", "ok"))
            if isinstance(event, StartTls):
                self.session.secured()
        self.said += self.session.output()

    def line(self) -> str:
        end = self.said.find(b"\r\n")
        assert end >= 0, f"the server said nothing more, only {bytes(self.said)!r}"
        line = self.said[:end].decode()
        del self.said[: end + 2]
        return line


def steps(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the lines of a file as word and rest."""
    for line in path.read_text().splitlines():
        word, _, rest = line.partition(" ")
        if word:
            yield word, rest


def octets(text: str) -> bytes:
    """Resolve the escapes of c= and got:."""
    return text.encode().decode("unicode_escape").encode("latin-1")


def play(path: Path, *, together: bool) -> Player:
    """Play a file to its end; an assertion fails where the server says something else."""
    script = list(steps(path))
    player = Player(together)
    pending = b""
    for number, (word, text) in enumerate(script):
        at = f"{path.name}: {word} {text}"
        if word == "c:":
            pending += text.encode() + b"\r\n"
        elif word == "c=":
            pending += octets(text)
        following = script[number + 1][0] if number + 1 < len(script) else ""
        if pending and following not in ("c:", "c=", "#"):
            player.send(pending)
            pending = b""
        if word == "s:":
            assert player.line() == text, at
        elif word == "s~":
            assert player.line().startswith(text), at
        elif word == "s.":
            assert player.closed, at
        elif word == "answer:":
            code, enhanced, words = text.split(" ", 2)
            player.answers.append(Reply(int(code), enhanced, words))
        elif word == "got:":
            taken = [event.raw for event in player.events if isinstance(event, Content)]
            assert taken, f"{at}: no message was taken"
            assert taken[-1] == octets(text), at
        else:
            assert word in ("c:", "c=", "#"), f"{at}: no such step"
    assert not player.said, f"{path.name}: the server also said {bytes(player.said)!r}"
    return player
