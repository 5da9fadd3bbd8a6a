"""From the values of a shape to the columns of a use, in SQL; ``refused`` says what is spelled in no plain way.

The same meaning as ``readers.signin``, ``readers.graph`` and ``readers.mailbox``, which know the oddities too.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from counterfoil.evidence.readers.graph import RESOURCE
from counterfoil.evidence.readers.mailbox import CHANGES, FAILED, NO_APP, READS
from counterfoil.evidence.typed.shape import Shape
from counterfoil.evidence.uses import COLUMNS, GRAPH, MAILBOX, SIGN_INS


def _list(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


_SIGN_IN: Final = {
    "record": "'sign-ins:' || tenant || ':' || bare(v.request_id)",
    "uti": "coalesce(v.token_id, bare(v.request_id))",
    "sha1": "print_of(v.thumbprint, 40)",
    "sha256": "print_of(v.thumbprint, 64)",
    "key_id": "bare(guid_of(v.key_id))",
    "credential_type": "CASE WHEN v.federated IS NOT NULL THEN 'federated' ELSE CASE lower(v.credential)"
    " WHEN 'clientsecret' THEN 'secret' WHEN 'clientassertion' THEN 'certificate' WHEN 'certificate' THEN 'certificate'"
    " WHEN 'federatedidentitycredential' THEN 'federated' WHEN 'managedidentity' THEN 'federated' END END",
    "correlation_id": "v.correlation",
    "client_request_id": "v.client_request",
    "request_id": "bare(v.request_id)",
    "success": "v.code = '0'",
    "error": "CASE WHEN v.code <> '0' THEN v.code END",
    "address": "v.address",
    "agent": "v.agent",
    "resource": "CASE WHEN guid_of(v.resource) IS NULL THEN v.resource_name ELSE bare(guid_of(v.resource)) END",
    "operation": "'sign-in'",
    "effect": "'none'",
    "rest": "false",
    "cae": "CASE lower(said(list_filter(v.details, lambda d: lower(trim(d.key)) = 'is cae token')[1].value))"
    " WHEN 'true' THEN true WHEN '1' THEN true WHEN 'yes' THEN true"
    " WHEN 'false' THEN false WHEN '0' THEN false WHEN 'no' THEN false END",
    "principal": "bare(v.principal_id)",
    "throttled": "false",
}
_SIGN_IN_PLAIN: Final = (
    "v.request_id IS NOT NULL",
    "(v.token IS NULL OR v.token_id IS NOT NULL)",
    "(v.thumbprint IS NULL OR print_of(v.thumbprint, 40) IS NOT NULL OR print_of(v.thumbprint, 64) IS NOT NULL)",
    "(v.key_id IS NULL OR guid_of(v.key_id) IS NOT NULL)",
    "(v.principal IS NULL OR v.principal_id IS NOT NULL)",
    "regexp_full_match(v.code, '[0-9]+')",
    "NOT loose(v.agent) AND NOT loose(v.address) AND NOT loose(v.correlation) AND NOT loose(v.client_request)",
    "NOT loose(v.resource_name) AND NOT loose(v.resource) AND NOT loose(v.federated) AND NOT loose(v.credential)",
)

_CALL: Final = {
    "record": "'graph-activity:' || tenant || ':' || v.request_id",
    "uti": "v.token_id",
    "credential_type": "CASE v.auth WHEN '0' THEN 'public' WHEN '1' THEN 'secret' WHEN '2' THEN 'certificate' END",
    "request_id": "v.request_id",
    "client_request_id": "lower(v.client_request)",
    "operation_id": "lower(v.operation)",
    "success": "CAST(v.status AS INTEGER) < 400",
    "error": "CASE WHEN CAST(v.status AS INTEGER) >= 400 THEN v.status END",
    "address": "v.address",
    "agent": "v.agent",
    "resource": f"'{RESOURCE}'",
    "method": "v.method",
    "path": "v.path",
    "operation": "v.method",
    "effect": "effect_of(v.method, v.path)",
    "rest": "true",
    "principal": "bare(v.principal_id)",
    "throttled": "false",
}
_CALL_PLAIN: Final = (
    "v.token_id IS NOT NULL",
    "v.request_id IS NOT NULL",
    "(v.client_request IS NULL OR regexp_full_match(v.client_request, '[!-z|}~][!-~]*'))",
    "(v.operation IS NULL OR regexp_full_match(v.operation, '[!-z|}~][!-~]*'))",
    "regexp_full_match(v.status, '[0-9]{1,4}')",
    "regexp_full_match(v.method, '[A-Z]+')",
    "(v.direct IS NOT NULL OR uri_plain(v.uri))",
    "(v.principal IS NULL OR v.principal_id IS NOT NULL)",
    "NOT loose(v.agent) AND NOT loose(v.address) AND NOT loose(v.auth)",
)

_PATH: Final = "coalesce(said({0}.Path), said({0}.Name), said({0}.Id))"
_THING: Final = (
    "{{message: said({0}.InternetMessageId), item: coalesce(said({0}.Id), said({0}.ImmutableId)), folder: {1},"
    " crid: lower(said({0}.ClientRequestId))}}"
)
_ALONE: Final = "list_concat(coalesce(v.affected, []), CASE WHEN v.item IS NULL THEN [] ELSE [v.item] END)"
_HOLDERS: Final = (
    "list_concat(coalesce(v.folders, []), CASE WHEN v.folder IS NULL THEN []"
    " ELSE [{Path: v.folder.Path, Name: v.folder.Name, Id: v.folder.Id, FolderItems: NULL}] END)"
)
_OPTION: Final = "list_filter(v.properties, lambda p: lower(coalesce(p.Name, '')) = '{0}')[-1].Value"
_NAMED: Final = "list_concat(coalesce(v.parameters, []), coalesce(v.properties, []))"
_READ: Final = f"lower(v.operation) IN ({_list(READS)})"
_CHANGED: Final = (
    f"lower(v.operation) IN ({_list(CHANGES)})"
    " OR regexp_matches(lower(v.operation), '^(new|set|add|remove|enable|disable)-')"
)
_NOTHING: Final = "lower(v.operation) IN ('mailboxlogin', 'login') OR lower(v.operation) LIKE 'get-%'"
_ACCESS: Final = {
    "record": "'mailbox-audit:' || tenant || ':' || lower(v.record)",
    "app": "coalesce(lower(v.client_app),"
    f" CASE WHEN lower(v.any_app) NOT IN ({_list(NO_APP)}) THEN lower(v.any_app) END)",
    "uti": "coalesce(v.token_id, bare(guid_of(v.token)))",
    "uti_other": "little(guid_of(v.token))",
    "correlation_id": "v.correlation",
    "request_id": "lower(v.record)",
    "client_request_id": "lower(v.client_request)",
    "success": f"coalesce(lower(v.result), '') NOT IN ({_list(FAILED)})",
    "error": f"CASE WHEN lower(v.result) IN ({_list(FAILED)}) THEN v.result END",
    "address": "v.address",
    "agent": "v.agent",
    "mailbox": "coalesce(v.owner, lower(v.mailbox_id), v.user)",
    "mailbox_id": "lower(v.mailbox_id)",
    "operation": "v.operation",
    "effect": f"CASE WHEN {_READ} THEN 'read' WHEN {_CHANGED} THEN 'change' WHEN {_NOTHING} THEN 'none'"
    " ELSE 'change' END",
    "rest": "coalesce(contains(lower(v.rest), 'rest'), false)",
    "access": f"nullif({_OPTION.format('mailaccesstype')}, '')",
    "throttled": f"coalesce(lower({_OPTION.format('isthrottled')}) = 'true', false)",
    "principal": "lower(v.principal)",
    "doubt": "CASE WHEN v.token IS NULL THEN 'unfilled UniqueTokenId' END",
    "items": "list_filter(list_concat(flatten(list_transform(coalesce(v.folders, []), lambda f:"
    " list_transform(coalesce(f.FolderItems, []), lambda i: " + _THING.format("i", _PATH.format("f")) + "))),"
    f" list_transform({_ALONE}, lambda a: " + _THING.format("a", _PATH.format("a.ParentFolder")) + ")),"
    " lambda t: t.message IS NOT NULL OR t.item IS NOT NULL)",
    "detail": f"to_json({{folders: list_distinct(list_filter(list_concat(list_transform({_HOLDERS}, lambda h: "
    + _PATH.format("h")
    + f"), list_transform({_ALONE}, lambda a: "
    + _PATH.format("a.ParentFolder")
    + ")), lambda p: p IS NOT NULL)),"
    f" parameters: map(list_transform({_NAMED}, lambda p: coalesce(p.Name, 'None')),"
    f" list_transform({_NAMED}, lambda p: coalesce(p.Value, 'None'))), object: v.object}})",
}
_ACCESS_PLAIN: Final = (
    "(v.token IS NULL OR v.token_id IS NOT NULL OR guid_of(v.token) IS NOT NULL)",
    "(v.client_request IS NULL OR regexp_full_match(v.client_request, '[!-z|}~][!-~]*'))",
    "(v.address IS NULL OR address_of(v.address) IS NOT NULL)",
    "regexp_full_match(v.record, '[!-z|}~][!-~]*')",
    "regexp_full_match(v.operation, '[!-z|}~][!-~]*')",
    "v.workload IS NOT NULL",
    "lower(v.workload) <> 'azureactivedirectory'",
    "v.record_type IS NOT NULL",
    "v.record_type NOT IN ('8', 'AzureActiveDirectory')",
    "NOT loose(v.owner) AND NOT loose(v.user) AND NOT loose(v.mailbox_id) AND NOT loose(v.agent)",
    f"len(list_filter({_NAMED}, lambda p: p IS NULL OR loose(p.Value))) = 0",
    "NOT loose(v.object) AND NOT loose(v.result) AND NOT loose(v.client_app) AND NOT loose(v.any_app)",
    "NOT loose(v.correlation) AND NOT loose(v.rest) AND NOT loose(v.principal)",
    f"len({_NAMED}) = len(list_distinct(list_transform({_NAMED}, lambda p: coalesce(p.Name, 'None'))))",
)

_MEANINGS: Final = {
    SIGN_INS: (_SIGN_IN, _SIGN_IN_PLAIN),
    GRAPH: (_CALL, _CALL_PLAIN),
    MAILBOX: (_ACCESS, _ACCESS_PLAIN),
}
_STEPS: Final = (
    {
        "moment": "time_of(v.time)",
        "octets": "octets_of(v.token)",
        "written": "written_of(v.token)",
        "request_id": "guid_of(v.request)",
        "tenant_id": "guid_of(v.tenant)",
        "principal_id": "guid_of(v.principal)",
        "direct": "direct_of(v.uri)",
    },
    {
        "token_id": "coalesce(little(v.octets), bare(guid_of(v.written)))",
        "asked": "CASE WHEN v.direct IS NULL THEN asked_of(v.uri) END",
    },
    {"plain_path": "CASE WHEN v.direct IS NULL THEN decoded(below_host(v.asked)) END"},
    {"bare_path": "CASE WHEN v.direct IS NULL THEN ended(v.plain_path) END"},
    {
        "path": "CASE WHEN v.direct IS NOT NULL THEN v.direct"
        " ELSE coalesce(nullif(unversioned(v.bare_path), ''), '/') END"
    },
)
"""What is needed twice is computed once, in steps of which each sees those before it."""

_KEPT: Final = frozenset({"details", "properties", "parameters", "folders", "folder", "item", "affected"})
"""Values that are no plain text, or are read already."""


def meanings(source: str) -> dict[str, str]:
    """Say what each column of a use is: SQL over the values ``v`` of a row of this source."""
    given = {
        **dict.fromkeys(COLUMNS, "NULL"),
        "source": f"'{source}'",
        "tenant": "v.tenant_id",
        "time": "v.moment",
        "app": "lower(v.app)",
        "file": "v.file",
        "items": "[]",
        **_MEANINGS[source][0],
    }
    return {**given, "record": given["record"].replace("tenant", "v.tenant_id")}


def query(shape: Shape, relation: str, file: str, columns: Mapping[str, str]) -> str:
    """Write the query from a shape's relation to rows.

    ``refused`` says of a row that it is in no plain spelling, ``given`` how long its token id is.

    Args:
        shape: The shape.
        relation: SQL of the relation with the shape's columns.
        file: SQL of the name of the file that a row came from.
        columns: What is wanted: SQL as :func:`meanings` gives it, by name.
    """
    plain = _MEANINGS[shape.source][1]
    read = ", ".join(
        f"{value if name in _KEPT or '(' in value else f'said({value})'} AS {name}"
        for name, value in shape.values.items()
    )
    common = (
        "v.tenant_id IS NOT NULL",
        "v.moment IS NOT NULL",
        *(("guid_of(v.app) IS NOT NULL",) if shape.source != MAILBOX else ()),
        *plain,
    )
    wanted = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    relation = f"(SELECT {read}, {file} AS file, {' AND '.join(shape.plain)} AS fits FROM {relation})"
    known = set(shape.values)
    for step in _STEPS:
        fitting = {name: value for name, value in step.items() if set(re.findall(r"v\.(\w+)", value)) <= known}
        known |= set(fitting)
        if fitting:
            more = ", ".join(f"{value} AS {name}" for name, value in fitting.items())
            relation = f"(SELECT v.*, {more} FROM {relation} AS v)"
    refused = f"NOT coalesce(v.fits AND {' AND '.join(common)}, false)"
    return f"SELECT {wanted}, {refused} AS refused, length(v.token) AS given FROM {relation} AS v"
