"""Where the logs of connected tenants lie: what was pulled, and the storage folder of the configuration."""

import argparse
from pathlib import Path

from counterfoil.app.pulling import EVIDENCE
from counterfoil.config import load
from counterfoil.model.errors import Misconfigured


def pulled_logs(arguments: argparse.Namespace) -> list[Path]:
    """Return the folders that logs are in where none were named.

    Raises:
        Misconfigured: If there are none, or the stubs are not our own: whose logs would these be?
    """
    hint = "give --logs what was exported, or pull them: counterfoil connection pull TENANT"
    if arguments.stubs is not None:
        raise Misconfigured("no logs were given for these stubs", "give --logs what was exported")
    evidence = (arguments.ledger or arguments.data) / EVIDENCE
    storage = load(arguments.config).evidence.storage
    found = [folder for folder in (evidence, storage) if folder is not None and folder.is_dir()]
    if not found:
        raise Misconfigured("no logs were given, and none were pulled", hint)
    return found
