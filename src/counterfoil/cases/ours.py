"""Our own life in a tenant: each hour a fresh token, a heartbeat, some reads, now and then a pull-back.

Whatever we do leaves a stub in the exchange form, and the rows that such an act leaves in the logs.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from counterfoil.cases.acts import Act, Actor, Token
from counterfoil.cases.cast import Setting, Tenant
from counterfoil.cases.chance import Chance
from counterfoil.cases.rows import EXCHANGE, GRAPH, MANAGEMENT, OURS, Books, Key, Record
from counterfoil.cases.spell import instant, uti

AGENT = "counterfoil/0.1"
WRONG_KEY = 700027


def live(tenant: Tenant, setting: Setting) -> Books:
    """Write a tenant's books for the whole time, as they would be with no fault and no thief."""
    books = Books()
    chance = Chance(setting.seed, "ours", tenant.name)
    keeper = Keeper(tenant, Actor(OURS, tenant, tenant.address, AGENT, books, chance))
    keeper.introduce(setting.start)
    for hour in range(setting.hours):
        keeper.hour(setting.start + timedelta(hours=hour), setting.calls_an_hour)
    keeper.prove_dead(setting.start + timedelta(hours=setting.hours) - timedelta(minutes=5))
    return books


@dataclass(frozen=True, slots=True)
class Keeper:
    """Acts, and keeps a stub of every act."""

    tenant: Tenant
    actor: Actor

    def introduce(self, moment: datetime) -> None:
        """Write who the tenant is and which credentials are ours."""
        roles = list(self.tenant.roles)
        name = {"tenant": str(self.tenant.tenant), "name": self.tenant.name}
        self._stub(kind="tenant", **name, connected=True, roles=roles)
        for key, state in ((self.tenant.key, "current"), (self.tenant.standby, "standby")):
            self._stub(kind="credential", time=instant(moment), **self._credential(key), state=state)

    def hour(self, start: datetime, calls: int) -> None:
        """Live one hour; its token comes in the first ten minutes, so that its life covers the calls."""
        chance = self.actor.chance
        moment = chance.within(start, 600)
        job = self._job(moment, "heartbeat")
        token = self._sign_in(moment, EXCHANGE if self.tenant.style == "ews" else GRAPH, job)
        self._read(token, moment + timedelta(seconds=2), self.tenant.mailboxes[0], job)
        if chance.happens(0.1):
            self._watch_audit(moment + timedelta(minutes=1))
        for number in range(calls):
            when = chance.within(moment + timedelta(seconds=5 + number), 2_400)
            job = self._job(when, "internal-scan")
            mailbox = chance.pick(self.tenant.mailboxes)
            self._read(token, when, mailbox, job)
            if self.tenant.style == "graph" and chance.happens(0.05):
                act = self.actor.move(token, when + timedelta(seconds=3), mailbox)
                self._call(token, when + timedelta(seconds=3), act, "change", job)

    def prove_dead(self, moment: datetime) -> None:
        """Try a retired key of ours and be refused: a failed sign-in that is ours."""
        chance = self.actor.chance
        retired = Key(chance.guid(), chance.hex(20), chance.hex(32), f"{self.tenant.key.name} (retired)")
        self._stub(kind="credential", time=instant(moment), **self._credential(retired), state="retired")
        job = self._job(moment, "prove-dead")
        token, correlation = self.actor.sign_in(moment, retired, GRAPH, WRONG_KEY)
        outcome: Record = {
            "uti": None,
            "request_id": str(token.request),
            "outcome": "refused",
            "error": f"AADSTS{WRONG_KEY}",
        }
        self._token_stub(moment, retired, GRAPH, outcome | {"correlation_id": str(correlation), "job": job})

    def _sign_in(self, moment: datetime, audience: str, job: str, *, heard: bool = True) -> Token:
        token, correlation = self.actor.sign_in(moment + timedelta(milliseconds=80), self.tenant.key, audience)
        answer = (uti(token.request), "issued") if heard else (None, "unknown")
        outcome: Record = {"uti": answer[0], "request_id": None, "outcome": answer[1], "error": None}
        self._token_stub(moment, self.tenant.key, audience, outcome | {"correlation_id": str(correlation), "job": job})
        return token

    def _token_stub(self, moment: datetime, key: Key, audience: str, rest: Record) -> None:
        ids = {"audience": audience, "jti": str(self.actor.chance.guid())}
        self._stub(kind="token", time=instant(moment), **self._credential(key), **ids, **rest)

    def _watch_audit(self, moment: datetime) -> None:
        """Read the Management Activity API: it has a token of its own, and its calls leave no Graph row.

        One answer in five gets lost on the way; then we made no call, and the token's outcome is unknown.
        """
        heard = not self.actor.chance.happens(0.2)
        job = self._job(moment, "watch-audit")
        token = self._sign_in(moment, MANAGEMENT, job, heard=heard)
        if heard:
            uri = f"{MANAGEMENT}/api/v1.0/{self.tenant.tenant}/activity/feed/subscriptions/content"
            request = str(self.actor.chance.guid())
            call: Record = {
                "client_request_id": request,
                "method": "GET",
                "resource": uri,
                "mailbox": None,
                "message_ids": [],
            }
            self._call_stub(token, moment + timedelta(seconds=1), call, "none", job)

    def _read(self, token: Token, moment: datetime, mailbox: str, job: str) -> None:
        self._call(token, moment, self.actor.read(token, moment, mailbox), "read", job)

    def _call(self, token: Token, moment: datetime, act: Act, effect: str, job: str) -> None:
        call: Record = {
            "client_request_id": str(act.client_request),
            "method": act.method,
            "resource": act.uri,
            "mailbox": act.mailbox,
            "message_ids": [act.item.message_id],
        }
        self._call_stub(token, moment, call, effect, job)

    def _call_stub(self, token: Token, moment: datetime, call: Record, effect: str, job: str) -> None:
        where = {"tenant": str(self.tenant.tenant), "app": str(self.tenant.app), "uti": uti(token.request)}
        self._stub(kind="call", time=instant(moment), **where, **call, effect=effect, job=job, status=200)

    def _job(self, moment: datetime, reason: str) -> str:
        job = str(self.actor.chance.guid())
        self._stub(kind="job", id=job, time=instant(moment), reason=reason)
        return job

    def _credential(self, key: Key) -> Record:
        return {
            "tenant": str(self.tenant.tenant),
            "app": str(self.tenant.app),
            "thumbprint_sha1": key.sha1,
            "thumbprint_sha256": key.sha256,
            "key_id": str(key.key_id),
        }

    def _stub(self, **fields: object) -> None:
        self.actor.books.stubs.append(fields)
