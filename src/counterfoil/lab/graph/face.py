"""One call to Graph: token, fault, permission, handler, log row; and the same for each part of a batch."""

import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from counterfoil.lab import faults
from counterfoil.lab.graph import routes, tokens, transfer
from counterfoil.lab.graph.context import Caller, Context, GraphError, bad_request, field
from counterfoil.lab.logs import activity, mailbox_audit
from counterfoil.lab.names import GRAPH, RESOURCES
from counterfoil.lab.wire import Call, Pending, Reply, json_reply
from counterfoil.lab.world import World

_AUDIENCE = next(resource.audience for resource in RESOURCES if resource.app == GRAPH)
_BATCH_LIMIT = 20


@dataclass(frozen=True, slots=True)
class _Visit:
    """A call with what was found out about it."""

    call: Call
    caller: Caller
    version: str
    target: str
    operation_id: str


def answer(world: World, call: Call) -> Reply | Pending:
    """Answer one request to the host that Microsoft calls graph.microsoft.com."""
    mailbox_audit.settle(world, call.now)
    imported = transfer.take_in(world, call)
    if imported is not None:
        return imported
    version, path = _split(call.path)
    inner = call.with_path(path)
    try:
        if version not in {"v1.0", "beta"}:
            raise bad_request("Invalid version.")
        caller = tokens.check(world, call, _AUDIENCE)
    except GraphError as error:
        return _headers(call, error.reply(call))
    visit = _Visit(inner, caller, version, call.target or call.path, call.id)
    if path.lower() == "/$batch" and call.method == "POST":
        return _headers(call, _batch(world, visit))
    reply = _one(world, visit)
    if isinstance(reply, Pending):
        then = reply.then
        return Pending(reply.errands, lambda answers: _headers(call, _logged(world, visit, then(answers))))
    return _headers(call, _logged(world, visit, reply))


def _split(path: str) -> tuple[str, str]:
    version, _, rest = path.lstrip("/").partition("/")
    return version, "/" + rest.rstrip("/")


def _headers(call: Call, reply: Reply) -> Reply:
    own = {
        "request-id": call.id,
        "client-request-id": call.header("client-request-id") or call.id,
        "x-ms-ags-diagnostic": '{"ServerInfo":{"DataCenter":"Lab","Slice":"E","Ring":"5","RoleInstance":"LAB"}}',
    }
    if "immutableid" in call.header("prefer").lower():
        own["Preference-Applied"] = 'IdType="ImmutableId"'
    reply.headers = {**own, **reply.headers}
    return reply


def _logged(world: World, visit: _Visit, reply: Reply) -> Reply:
    event = activity.Activity(
        call=visit.call,
        tenant=visit.caller.tenant,
        claims=visit.caller.claims,
        version=visit.version,
        target=visit.target,
        operation_id=visit.operation_id,
        status=reply.status,
        size=len(reply.body),
    )
    activity.record(world, event)
    return reply


def _one(world: World, visit: _Visit) -> Reply | Pending:
    """Answer a single operation, with the faults that strike before and after it."""
    call, caller = visit.call, visit.caller
    struck = faults.before(world, call, caller.tenant.id, caller.app_id)
    if struck is not None:
        return struck
    path = routes.plain(unquote(call.path))
    beta = visit.version == "beta"
    route, params, known = routes.find(call.method, path, beta=beta)
    try:
        if route is None:
            raise _no_route(call.path, known=known)
        context = Context(world, call, caller, beta, params)
        _permit(context, route)
        reply = route.handler(context)
    except GraphError as error:
        return error.reply(call)
    return reply if isinstance(reply, Pending) else faults.after(world, call, caller.tenant.id, reply)


def _no_route(path: str, *, known: bool) -> GraphError:
    if known:
        return GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    segment = path.rstrip("/").rpartition("/")[2]
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{segment[:80]}'.")


def _permit(context: Context, route: routes.Route) -> None:
    """Check application permissions; for mail they are those of the token and of Exchange together.

    Raises:
        GraphError: 403.
    """
    held = set(context.caller.roles)
    if route.mail:
        held |= _exchange_roles(context)
    context.params["rights"] = " ".join(sorted(held))
    if route.roles and not held & set(route.roles):
        if route.mail:
            raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        raise GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def _exchange_roles(context: Context) -> set[str]:
    """RBAC for Applications: roles in Exchange that cover this mailbox (section 5.1)."""
    principal = context.caller.principal
    mailbox = context.world.mailbox(context.tenant, context.params.get("user", ""))
    if principal is None or mailbox is None:
        return set()
    return {
        grant.role.removeprefix("Application ")
        for grant in principal.exchange
        if grant.mailboxes is None or mailbox.address in grant.mailboxes
    }


def _batch(world: World, visit: _Visit) -> Reply:
    """``POST /$batch`` (section 4.5): parts are counted, throttled and logged one by one."""
    try:
        requests = visit.call.json().get("requests")
        if not isinstance(requests, list) or not all(isinstance(part, dict) for part in requests):
            raise ValueError("requests is not a list")  # noqa: TRY301 - any bad body is one 400
    except ValueError:
        return bad_request("Invalid batch payload format.").reply(visit.call)
    if len(requests) > _BATCH_LIMIT:
        message = f"Number of batch request steps exceeds the maximum value of {_BATCH_LIMIT}."
        return GraphError(400, "BadRequest", message).reply(visit.call)
    done: dict[str, int] = {}
    answers = []
    for part in requests:
        try:
            shown = _part(world, visit, part, done)
        except GraphError as error:
            return error.reply(visit.call)
        done[str(part.get("id"))] = shown["status"]
        answers.append(shown)
    return _logged(world, visit, json_reply(200, {"responses": answers}))


def _part(world: World, visit: _Visit, part: dict[str, Any], done: dict[str, int]) -> dict[str, Any]:
    """Answer one request of a batch; a dependency that failed makes it 424."""
    try:
        name, url = str(part.get("id")), urlsplit(str(part.get("url", "")))
    except ValueError as error:
        raise bad_request("Invalid batch payload format.") from error
    headers = {str(key).lower(): str(value) for key, value in field(part, "headers", dict, {}).items()}
    body = part.get("body")
    data = b"" if body is None else (body.encode() if isinstance(body, str) else json.dumps(body).encode())
    call = replace(
        visit.call,
        method=str(part.get("method", "GET")).upper(),
        path="/" + url.path.strip("/"),
        query=dict(parse_qsl(url.query, keep_blank_values=True)),
        headers={
            **headers,
            "authorization": visit.call.header("authorization"),
            "user-agent": visit.call.header("user-agent"),
        },
        body=data,
        id=world.guid(),
    )
    target = f"/{visit.version}{call.path}" + (f"?{url.query}" if url.query else "")
    inner = replace(visit, call=call, target=target)
    if any(done.get(str(dependency), 424) >= 400 for dependency in field(part, "dependsOn", list, [])):
        reply = GraphError(424, "FailedDependency", "A request this one depends on has failed.").reply(call)
    else:
        answered = _one(world, inner)
        if isinstance(answered, Pending):
            reply = bad_request("Subscriptions cannot be created in a batch here.").reply(call)
        else:
            reply = answered
    _headers(call, _logged(world, inner, reply))
    return {"id": name, "status": reply.status, "headers": reply.headers, "body": _shown(reply)}


def _shown(reply: Reply) -> Any:
    if "json" in reply.headers.get("Content-Type", ""):
        return json.loads(reply.body)
    return reply.body.decode("latin-1") or None
