"""The walk in docs/lab.md, run as it stands."""

import json
import os
import re
import subprocess
from dataclasses import fields
from pathlib import Path

import msal
from tests.conftest import require_program

from counterfoil.lab.operations import OPERATIONS
from counterfoil.lab.settings import Settings

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "lab.md"


def test_the_documented_walk_connects_a_tenant(running, tmp_path, own_roots):
    """The first shell block makes a tenant with a certificate, and the Python block's client gets a token with it."""
    for program in ("curl", "openssl", "bash"):
        require_program(program)
    text = DOCUMENT.read_text(encoding="utf-8")
    walk, *_ = re.findall(r"```sh\n(.+?)```", text, re.DOTALL)
    places = running.endpoints
    lines = walk.replace("https://localhost:39707", places.admin).replace("/tmp/practice/lab/ca.pem", str(places.ca))
    done = subprocess.run(
        ["bash", "-euc", lines], cwd=tmp_path, capture_output=True, text=True, check=True, env=os.environ, timeout=60
    )
    made = json.loads(done.stdout[done.stdout.rindex("{") :])
    client = msal.ConfidentialClientApplication(
        made["app_id"],
        authority=f"{places.login}/{made['tenant']}",
        instance_discovery=False,
        verify=str(places.ca),
        client_credential={
            "private_key": (tmp_path / "key.pem").read_text(),
            "public_certificate": (tmp_path / "cert.pem").read_text(),
        },
    )

    assert client.acquire_token_for_client(["https://graph.microsoft.com/.default"])["access_token"]


def test_every_operation_and_every_dial_is_documented():
    """docs/lab.md names every operation and every dial."""
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in OPERATIONS if f"`{name}`" not in text] == []
    assert [item.name for item in fields(Settings) if f"`{item.name}`" not in text] == []
