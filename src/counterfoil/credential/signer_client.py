"""The way to a signature. Only ``tenant.token`` and the rotation flow may import this (import-linter holds it).

Every answer carries the stub that the signer made durable; write it to the ledger before you use the signature.
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from counterfoil.credential.algorithm import Algorithm
from counterfoil.credential.wire import ask, stub_from
from counterfoil.model.errors import Misconfigured
from counterfoil.model.mail import Json
from counterfoil.model.trust import Job, Stub


@dataclass(frozen=True, slots=True)
class Signature:
    """A compact JWS and its stub; ``jti`` is in the stub's body."""

    jws: str
    stub: Stub


class SignerClient:
    """Asks the signer over its Unix socket; blocking, safe to use from many threads.

    Args:
        socket: Path of the socket.
        seconds: How long to wait for an answer.
    """

    def __init__(self, socket: Path, seconds: float = 15.0) -> None:
        self._socket, self._seconds = socket, seconds

    def assertion(
        self, tenant: str, app: str, credential: str, audience: str, job: Job, *, algorithm: Algorithm = Algorithm.PS256
    ) -> Signature:
        """Have a client assertion made, good for ten minutes.

        Args:
            tenant: The tenant's id, as in the token endpoint.
            app: The client id.
            credential: Its name, ``book.credential_name(tenant, app, generation)``.
            audience: The tenant's token endpoint.
            job: Why.
            algorithm: PS256 with ``x5t#S256``, or RS256 with ``x5t``.

        Raises:
            Refused: If the credential may not be used so.
            Unavailable: If the signer is away, busy or slow.
        """
        return self._sign("assertion", (tenant, app, credential), job, algorithm, audience=audience)

    def proof(
        self,
        tenant: str,
        app: str,
        credential: str,
        object_id: str,
        job: Job,
        *,
        algorithm: Algorithm = Algorithm.PS256,
    ) -> Signature:
        """Have a key proof made for addKey or removeKey on an object id (not the client id)."""
        return self._sign("proof", (tenant, app, credential), job, algorithm, object=object_id)

    def death_test(
        self, tenant: str, app: str, credential: str, audience: str, job: Job, *, algorithm: Algorithm = Algorithm.PS256
    ) -> Signature:
        """Have an assertion made with a retired or tainted credential; throw a token that it wins away, and alarm."""
        return self._sign("death-test", (tenant, app, credential), job, algorithm, audience=audience)

    def _sign(self, op: str, which: tuple[str, str, str], job: Job, algorithm: Algorithm, **more: Json) -> Signature:
        tenant, app, credential = which
        question: dict[str, Json] = {"op": op, "tenant": tenant, "app": app, "credential": credential}
        question |= {"job": job.id, "reason": job.reason, "algorithm": algorithm.value, **more}
        answer = ask(self._socket, self._seconds, question)
        signature = Signature(answer["jws"], stub_from(answer["stub"]))
        if not _is_what_was_asked(signature, question):
            raise Misconfigured(
                "the signer answered with a signature that is not what was asked, or not what its stub says",
                "stop it and keep its home, it is evidence; nothing was sent",
            )
        return signature


def _is_what_was_asked(signature: Signature, question: dict[str, Json]) -> bool:
    """Hold an answer to the question and to its own stub: a signature under a wrong stub would be sent without one."""
    stub, payload = signature.stub, signature.jws.partition(".")[2].partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return False
    if not isinstance(claims, dict):
        return False
    said = {"tenant": stub.tenant, "op": stub.kind, **stub.body}
    names = ("op", "tenant", "app", "credential", "job", "object" if stub.kind == "proof" else "audience")
    if stub.kind == "proof":
        fits = claims.get("iss") == said.get("object")
    else:
        fits = (claims.get("jti"), claims.get("aud")) == (said.get("jti"), said.get("audience"))
    return fits and all(said.get(name) == question[name] for name in names if name in question)
