"""From nothing to a connected tenant: the script of docs/first-tenant.md, run as a stranger would."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import require_program

SCRIPT = Path(__file__).parents[2] / "examples" / "first_tenant.sh"


def test_the_walk_leads_to_a_connected_tenant(tmp_path):
    """Every step ends well, logs lie in the evidence folder, and it says how long it took."""
    require_program("curl")
    require_program("openssl")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {**kept, "COUNTERFOIL": f"{sys.executable} -m counterfoil"}
    done = subprocess.run(
        ["sh", str(SCRIPT), str(tmp_path / "walk")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    took = re.search(r"connected in (\d+) seconds", done.stdout)
    assert took is not None
    sys.stdout.write(took[0] + "\n")
    assert "missing:  nothing" in done.stdout
    assert "too much: nothing" in done.stdout
    assert "nothing is wrong" in done.stdout
    assert "\n✓ back door\n" in done.stdout, "it was tried, and mail past the gateway is refused"
    evidence = list((tmp_path / "walk" / "data" / "evidence").rglob("*.json"))
    assert {path.parent.name for path in evidence} >= {"sign-ins", "directory-audit"}
    assert "PRIVATE" not in json.dumps([path.read_text() for path in (tmp_path / "walk").glob("*.json")])


def test_without_the_command_it_says_so_at_once(tmp_path):
    """Where no program is installed the walk ends before it begins, with the two commands that help."""
    script = tmp_path / "examples" / SCRIPT.name
    script.parent.mkdir()
    script.write_bytes(SCRIPT.read_bytes())
    done = subprocess.run(
        ["sh", str(script)],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "run make setup, then . .venv/bin/activate" in done.stderr
