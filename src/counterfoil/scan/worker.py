"""What runs in the bounded worker: a request in, a scan out; names are looked up by asking the parent."""

from collections.abc import Callable

from counterfoil.model.mail import Scan
from counterfoil.scan import wire
from counterfoil.scan.dns import Asking
from counterfoil.scan.message import examine, examine_file


def work(argument: bytes, ask: Callable[[bytes], bytes]) -> bytes:
    """Examine what ``wire.from_request`` wrote and return what ``wire.to_scan`` reads.

    Args:
        argument: The request.
        ask: Carries a batch of DNS questions (``wire.from_questions``) to whoever may resolve, and brings the answers
            (``wire.to_answers``) back.
    """
    raw, envelope, file_name = wire.to_request(argument)
    examination = examine(raw, envelope) if file_name is None else examine_file(file_name, raw)
    return wire.from_scan(_drive(examination, ask))


def _drive(examination: Asking[Scan], ask: Callable[[bytes], bytes]) -> Scan:
    try:
        questions = next(examination)
        while True:
            questions = examination.send(wire.to_answers(ask(wire.from_questions(questions))))
    except StopIteration as done:
        scan: Scan = done.value
        return scan
