"""What a handler of Graph is given, and the errors it may answer with (Microsoft Graph, error responses and paging)."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as member
from typing import Any, TypeVar

from counterfoil.lab.directory import Actor
from counterfoil.lab.logs.mailbox_audit import Use
from counterfoil.lab.objects import Application, Mailbox, Principal, Tenant
from counterfoil.lab.spelling import bare
from counterfoil.lab.wire import Call, Reply, json_reply
from counterfoil.lab.world import World

T = TypeVar("T")


class GraphError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def reply(self, call: Call) -> Reply:
        """Shape it as Graph does."""
        inner = {
            "date": bare(call.now),
            "request-id": call.id,
            "client-request-id": call.header("client-request-id") or call.id,
        }
        error = {"code": self.code, "message": self.message, "innerError": inner}
        return json_reply(self.status, {"error": error}, self.headers)


def bad_request(message: str, code: str = "BadRequest") -> GraphError:
    """400."""
    return GraphError(400, code, message)


def not_found(what: str) -> GraphError:
    """404 of the directory."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{what}' does not exist or one of its queried reference-property objects are not present.",
    )


def item_not_found() -> GraphError:
    """404 of Exchange."""
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def field(body: Mapping[str, Any], name: str, kind: type[T], default: T) -> T:
    """Read a property of a body; absent and null give the default.

    Raises:
        GraphError: 400 if it is of another kind.
    """
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise bad_request(f"Cannot convert the value of the property '{name}' to the expected type.")
    return value


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds the token: an application in a tenant."""

    tenant: Tenant
    app_id: str
    principal: Principal | None
    application: Application | None
    claims: dict[str, Any]

    @property
    def roles(self) -> list[str]:
        """Application permissions as the token carries them."""
        return list(self.claims.get("roles", []))


@dataclass(slots=True)
class Context:
    """One call to Graph on its way through a handler."""

    world: World
    call: Call
    caller: Caller
    beta: bool = False
    params: dict[str, str] = member(default_factory=dict)

    @property
    def tenant(self) -> str:
        """The tenant of the token, the only one that this call can see."""
        return self.caller.tenant.id

    @property
    def version(self) -> str:
        """``v1.0`` or ``beta``."""
        return "beta" if self.beta else "v1.0"

    @property
    def root(self) -> str:
        """The URL that links in the answer start with."""
        return f"{self.call.base}/{self.version}"

    @property
    def immutable(self) -> bool:
        """Whether the caller asked for immutable ids."""
        return "immutableid" in self.call.header("prefer").lower().replace('"', "")

    def odata(self, path: str) -> str:
        """Return an ``@odata.context``."""
        return f"https://graph.microsoft.com/{self.version}/$metadata#{path}"

    def actor(self) -> Actor:
        """Return the caller as the directory audit names it."""
        principal = self.caller.principal
        return Actor(
            at=self.call.now,
            address=self.call.address,
            app_id=self.caller.app_id,
            principal=principal.id if principal else "",
            name=principal.name if principal else "",
            correlation_id=self.call.header("client-request-id") or self.call.id,
            user_agent=self.call.header("user-agent"),
        )

    def use(self) -> Use:
        """Return the caller as the mailbox audit names it."""
        claims = self.caller.claims
        return Use(
            at=self.call.now,
            app_id=self.caller.app_id,
            principal=str(claims["oid"]),
            uti=str(claims["uti"]),
            issued=float(claims["iat"]),
            address=self.call.address,
            client_request_id=self.call.header("client-request-id") or self.call.id,
            user_agent=self.call.header("user-agent"),
        )

    def body(self) -> dict[str, Any]:
        """Return the JSON body.

        Raises:
            GraphError: 400 if it is no JSON object.
        """
        try:
            return self.call.json()
        except ValueError as error:
            message = (
                "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid "
                "JSON format."
            )
            raise bad_request(message) from error

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of an action, names in lower case: Microsoft's own clients write some in capitals."""
        return {name.lower(): value for name, value in self.body().items()}

    def mailbox(self) -> Mailbox:
        """Return the mailbox that the path names.

        Raises:
            GraphError: 404 if the tenant has no such user, or the user no mailbox.
        """
        found = self.world.mailbox(self.tenant, self.params["user"])
        if found is None:
            raise GraphError(404, "ErrorInvalidUser", f"The requested user '{self.params['user']}' is invalid.")
        if not found.enabled:
            raise GraphError(
                404,
                "MailboxNotEnabledForRESTAPI",
                "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            )
        return found
