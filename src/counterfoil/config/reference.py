"""docs/configuration.md, made from the table of settings: values in, text out."""

import json
from dataclasses import fields
from typing import Any

from counterfoil.config.settings import Config
from counterfoil.config.values import HostPort

_HEAD = """# Configuration

`counterfoil serve --config FILE` reads one TOML file, and the other commands read the same one: say `--config` each
time, or set COUNTERFOIL_CONFIG once. Every key has a default, and without a file all of them hold. All faults are
reported at once, each with its key and a hint; a key that is not in this list is a fault. Relative paths are taken from
the folder of the file. Tenants, domains and policies are not here: see `counterfoil tenant`.

```toml
[gateway]
listen = "0.0.0.0:25"
hostname = "mx.provider.example"
tls_certificate = "tls/mx.pem"      # beside this file
tls_key = "tls/mx.key"
connections = 500

[outbound]
relay = "relay.provider.example"

[dns]
enabled = true
```

This page is made from the code (`python -m counterfoil.config.reference`), and a test compares the two.
"""


def reference() -> str:
    """Return the page: a heading and a table for each section."""
    lines = [_HEAD]
    for section in fields(Config):
        kind: Any = section.default_factory
        lines += [f"## [{section.name}]", "", kind.__doc__, "", "| key | default | meaning |", "|---|---|---|"]
        for setting in fields(kind):
            lines.append(f"| `{setting.name}` | `{_toml(setting.default)}` | {setting.metadata['meaning']} |")
        lines.append("")
    return "\n".join(lines)


def _toml(value: object) -> str:
    match value:
        case None:
            return '""'
        case HostPort():
            return json.dumps(str(value))
        case tuple():
            return json.dumps(list(value))
        case _:
            return json.dumps(value)


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 - this is how the page is written
