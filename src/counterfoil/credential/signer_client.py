"""The way to a signature. Only ``tenant.token`` and the rotation flow may import this (import-linter holds it).

Every answer carries the stub that the signer made durable; write it to the ledger before you use the signature.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from counterfoil.credential.algorithm import Algorithm
from counterfoil.credential.book import credential_name
from counterfoil.credential.wire import ask, stub_from
from counterfoil.model.mail import Json
from counterfoil.model.trust import Credential, Job, Stub


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
        self, credential: Credential, audience: str, job: Job, algorithm: Algorithm = Algorithm.PS256
    ) -> Signature:
        """Have a client assertion made: ``audience`` is the tenant's token endpoint, life ten minutes.

        Raises:
            Refused: If the credential may not be used so.
            Unavailable: If the signer is away, busy or slow.
        """
        return self._sign("assertion", credential, job, algorithm, audience=audience)

    def proof(
        self, credential: Credential, object_id: str, job: Job, algorithm: Algorithm = Algorithm.PS256
    ) -> Signature:
        """Have a key proof made for addKey or removeKey on the object (not the client id)."""
        return self._sign("proof", credential, job, algorithm, object=object_id)

    def death_test(
        self, credential: Credential, audience: str, job: Job, algorithm: Algorithm = Algorithm.PS256
    ) -> Signature:
        """Have an assertion made with a retired or tainted credential; throw a token that it wins away, and alarm."""
        return self._sign("death-test", credential, job, algorithm, audience=audience)

    def _sign(self, op: str, credential: Credential, job: Job, algorithm: Algorithm, **more: Json) -> Signature:
        name = credential_name(credential.tenant, credential.app, credential.generation)
        question: dict[str, Json] = {"op": op, "tenant": credential.tenant, "app": credential.app, "credential": name}
        question |= {"job": job.id, "reason": job.reason, "algorithm": algorithm.value, **more}
        answer = ask(self._socket, self._seconds, question)
        return Signature(answer["jws"], stub_from(answer["stub"]))


class AsyncSignerClient:
    """The same for asyncio; each question waits in a thread."""

    def __init__(self, socket: Path, seconds: float = 15.0) -> None:
        self._client = SignerClient(socket, seconds)

    async def assertion(
        self, credential: Credential, audience: str, job: Job, algorithm: Algorithm = Algorithm.PS256
    ) -> Signature:
        """See ``SignerClient.assertion``."""
        return await asyncio.to_thread(self._client.assertion, credential, audience, job, algorithm)

    async def proof(
        self, credential: Credential, object_id: str, job: Job, algorithm: Algorithm = Algorithm.PS256
    ) -> Signature:
        """See ``SignerClient.proof``."""
        return await asyncio.to_thread(self._client.proof, credential, object_id, job, algorithm)

    async def death_test(
        self, credential: Credential, audience: str, job: Job, algorithm: Algorithm = Algorithm.PS256
    ) -> Signature:
        """See ``SignerClient.death_test``."""
        return await asyncio.to_thread(self._client.death_test, credential, audience, job, algorithm)
