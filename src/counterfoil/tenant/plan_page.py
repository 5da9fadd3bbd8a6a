"""The connection plan as one HTML page that can be sent to a tenant's administrator. Pure; no script, no link out."""

from collections.abc import Collection
from html import escape

from counterfoil.tenant.permissions import PERMISSIONS, PRODUCTS
from counterfoil.tenant.plan import CONTROL, IN_EXCHANGE, REPLY, Plan, as_powershell, back_door, secret_words

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --line: #d9dee5; --paper: #fff; --note: #f5f7fa;
  --read: #1f6feb; --change: #b54708; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #a3adba; --line: #333c48; --paper: #14181e;
  --note: #1c222b; --read: #6ea8fe; --change: #f0a35e; } }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 54rem;
  margin: 3rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.7rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top;
  padding: .6rem .8rem .6rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--soft); font-size: .85rem; } td ul { margin: 0; padding-left: 1.1rem; }
pre { background: var(--note); border: 1px solid var(--line); border-radius: 6px; padding: .9rem 1rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .82rem; line-height: 1.5; }
.reads { color: var(--read); } .changes { color: var(--change); } .none { color: var(--soft); }
"""


def as_html(plan: Plan) -> str:
    """Return the page: what it is for, each permission with what it opens and why, and what to run."""
    tenant = escape(plan.tenant)
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>What {tenant} is asked to allow</title>',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{_STYLE}</style></head><body>",
            f"<h1>What {tenant} is asked to allow</h1>",
            (
                "<p>Each product needs the permissions below and no others. All of them are application permissions "
                "and need an administrator's consent; take one back, and only its product stops. "
                "Mail flow needs none of them.</p>"
            ),
            "<h2>For what</h2>",
            _table(
                ("product", "what it does"), [(escape(name), escape(PRODUCTS[name].what)) for name in plan.products]
            ),
            *_permissions("Permissions", plan.consent, plan.scoped),
            *(f"<p>{escape(words)}</p>" for words in plan.scope_words),
            *_control(plan),
            "<h2>Register and consent (Microsoft Graph PowerShell)</h2>",
            f"<pre>{escape(as_powershell(plan))}</pre>",
            f"<p>{escape(REPLY)}</p>",
            *_back_door(plan),
            "</body></html>",
        ]
    )


def _permissions(head: str, wanted: dict[str, list[str]], scoped: Collection[str] = ()) -> list[str]:
    rows = [_row(name, why, IN_EXCHANGE if name in scoped else "") for name, why in wanted.items()]
    return [f"<h2>{head}</h2>", _table(("permission", "reads", "changes", "why"), rows)] if rows else []


def _row(name: str, why: list[str], how: str) -> tuple[str, ...]:
    permission = PERMISSIONS[name]
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in why)
    return (
        f"<code>{escape(name)}</code>{escape(how)}",
        _opened("reads", permission.reads),
        _opened("changes", permission.changes),
        f"<ul>{reasons}</ul>",
    )


def _opened(what: str, words: str) -> str:
    return f'<span class="{what}">{escape(words)}</span>' if words else '<span class="none">nothing</span>'


def _control(plan: Plan) -> list[str]:
    if not plan.control:
        return []
    return [
        *_permissions("A second application, for rotations", plan.control),
        (
            f"<p>{escape(CONTROL.capitalize())} The one that reads mail writes no credentials, so a stolen token of "
            "it cannot undo an eviction.</p>"
        ),
    ]


def _back_door(plan: Plan) -> list[str]:
    if plan.app is not None:
        return []
    return [
        "<h2>Close the back door (Exchange Online PowerShell)</h2>",
        "<p>Without these lines mail can be sent straight to the tenant, past the gateway.</p>",
        f"<p>{escape(secret_words(plan))}</p>",
        f"<pre>{escape(chr(10).join(back_door(plan)))}</pre>",
    ]


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{column}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
