"""Zones in the form of the published test suites, and a driver that answers from them."""

import pytest

from counterfoil.model.dns import Answer, Question, RecordType, Status


class Zone:
    """Answers from ``{name: [{TYPE: value} | "TIMEOUT", ...]}``, as the OpenSPF test suite defines it.

    An SPF entry counts as TXT unless the name has TXT entries of its own; ``TXT: NONE`` stops that.
    """

    def __init__(self, data):
        self.records = {}
        self.silent = set()
        self.asked = []
        for name, entries in data.items():
            self._add(name.lower().rstrip("."), entries)

    def _add(self, name, entries):
        has_txt = any(isinstance(entry, dict) and "TXT" in entry for entry in entries)
        for entry in entries:
            if entry == "TIMEOUT":
                self.silent.add(name)
                continue
            ((kind, value),) = entry.items()
            if kind == "SPF" and has_txt:
                continue
            kind = "TXT" if kind == "SPF" else kind
            rows = self.records.setdefault(name, {}).setdefault(kind, [])
            if value != "NONE":
                rows.append(self._spell(kind, value))

    @staticmethod
    def _spell(kind, value):
        if kind == "TXT":
            return "".join(value) if isinstance(value, list) else value
        if kind == "MX":
            return f"{value[0]} {value[1]}"
        return str(value)

    def answer(self, question: Question, hops: int = 0) -> Answer:
        self.asked.append(question)
        here = self.records.get(question.name, {})
        if rows := here.get(str(question.type)):
            return Answer(Status.OK, tuple(rows))
        if question.name in self.silent or hops > 8:
            return Answer(Status.TEMPORARY)
        if alias := here.get("CNAME"):
            return self.answer(Question(alias[0].lower().rstrip("."), question.type), hops + 1)
        return Answer(Status.NO_DATA if here else Status.NX_DOMAIN)

    def drive(self, asking):
        """Run a generator to its end and return its value."""
        try:
            questions = next(asking)
            while True:
                assert all(isinstance(question.type, RecordType) for question in questions)
                questions = asking.send(tuple(self.answer(question) for question in questions))
        except StopIteration as done:
            return done.value


@pytest.fixture(scope="session")
def make_zone():
    """Makes a zone of a dictionary."""
    return Zone
