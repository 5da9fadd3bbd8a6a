"""One TOML file, read once at start. Every problem is reported at once, each with its key and a hint.

Tenants, domains and policies are not here: they live in the database and are managed by command.
"""

import tomllib
from pathlib import Path

from counterfoil.config.reading import Fault, read
from counterfoil.config.settings import Config
from counterfoil.model.errors import Misconfigured


def load(file: Path | None) -> Config:
    """Read a configuration file; without one, return the embedded defaults.

    Relative paths in the file are taken from the folder that the file is in.

    Raises:
        Misconfigured: If the file cannot be read, is no TOML or has faults; the message names each
            faulty key on a line of its own.
    """
    if file is None:
        return Config()
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            f"cannot read the configuration {file}: {error}", "give --config (else COUNTERFOIL_CONFIG) a readable file"
        ) from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{file} is no TOML: {error}", "see docs/configuration.md for an example") from error
    config, faults = read(document, file.parent)
    if faults:
        raise Misconfigured(_sentence(file, faults), "docs/configuration.md lists every key")
    return config


def _sentence(file: Path, faults: list[Fault]) -> str:
    head = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
    return "\n".join(
        [f"{head} in {file.name}:", *(f"  {fault.key}: {fault.problem} ({fault.hint})" for fault in faults)]
    )
