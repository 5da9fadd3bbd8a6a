"""From a TOML document to a ``Config`` and the list of all its faults. Pure but for looking whether files exist."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from counterfoil.config.settings import Config
from counterfoil.config.values import Wrong


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the key it is about, the problem, and what would be right."""

    key: str
    problem: str
    hint: str


def read(document: dict[str, Any], folder: Path) -> tuple[Config, list[Fault]]:
    """Read a document; a faulty key keeps its default in the ``Config`` and adds to the faults."""
    faults: list[Fault] = []
    sections: dict[str, Any] = {}
    known = {section.name: section.default_factory for section in fields(Config)}
    for name, content in document.items():
        if name not in known:
            faults.append(_unknown(name, name, known))
        elif not isinstance(content, dict):
            faults.append(Fault(name, "is a section, not a value", f"write [{name}] on a line of its own"))
        else:
            sections[name] = _section(name, known[name], content, folder, faults)
    config = Config(**sections)
    return config, faults or _together(config)


def _section(name: str, kind: Any, content: dict[str, Any], folder: Path, faults: list[Fault]) -> Any:
    known = {setting.name: setting for setting in fields(kind)}
    taken: dict[str, Any] = {}
    for key, value in content.items():
        full = f"{name}.{key}"
        if key not in known:
            faults.append(_unknown(full, key, known))
            continue
        try:
            taken[key] = known[key].metadata["reader"](value, folder)
        except Wrong as wrong:
            faults.append(Fault(full, str(wrong), wrong.hint))
    return kind(**taken)


def _unknown(full: str, key: str, known: Iterable[str]) -> Fault:
    names = list(known)
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(names)}"
    return Fault(full, "no such key", hint)


def _together(config: Config) -> list[Fault]:
    """Find keys that are well each but not together."""
    faults = []
    gateway = config.gateway
    if (gateway.tls_certificate is None) != (gateway.tls_key is None):
        missing = "tls_key" if gateway.tls_key is None else "tls_certificate"
        faults.append(Fault(f"gateway.{missing}", "is missing", "certificate and key come together"))
    if gateway.outbound_listen and config.outbound.relay is None:
        faults.append(Fault("outbound.relay", "is missing", "gateway.outbound_listen needs a host to hand mail to"))
    console = config.console
    if console.behind_proxy and console.listen is not None and not console.listen.loopback:
        faults.append(
            Fault("console.listen", "is no loopback address", "behind a proxy it is 127.0.0.1 or ::1, without TLS")
        )
    return faults
