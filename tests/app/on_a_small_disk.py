"""Enter connections on a file system that really is full: ``unshare -rm python -m tests.app.on_a_small_disk FOLDER``.

Runs as root of a user namespace of its own, where it may mount; prints what each try said, as JSON.
"""

import io
import json
import subprocess
import sys
import uuid
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from counterfoil.__main__ import main

SIZE = 4 << 20
LEFT = (0, 40_000, 100_000, 120_000)
"""Octets that are left when the command begins; each is used up somewhere else."""


def run(data: Path, *words: str) -> tuple[int, str, str]:
    """Run a command in this process; return its exit code, and what it printed on each side."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([*words, "--json", "--data", str(data)])
    return code, out.getvalue(), err.getvalue()


@contextmanager
def signer(data: Path):
    """The signer, its home on the small disk too."""
    line = [sys.executable, "-m", "counterfoil", "signer", "--json", "--data", str(data)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline(), process.stderr.read()
        try:
            yield
        finally:
            process.terminate()


def attempt(data: Path, left: int) -> dict[str, object]:
    """Fill the disk up to ``left`` octets, import, look, make room, look, import again, and verify the books."""
    ids = [str(uuid.uuid4()) for _ in range(4)]
    names = ("--tenant-id", "--app", "--object-id", "--principal")
    words = ["connection", "import", f"t{left}", *(w for pair in zip(names, ids, strict=True) for w in pair)]
    ballast = data / "ballast"
    with signer(data):
        before = run(data, "connection", "list")[1]
        ballast.write_bytes(b"x" * (_free(data) - left))
        code, _, said = run(data, *words)
        ballast.unlink()
    with signer(data):
        listed = run(data, "connection", "list")[1]
        again = run(data, *words)[0] if code else 0
        verified, answer, _ = run(data, "ledger", "verify")
    wrong = json.loads(answer)["wrong"] if answer else ["no answer"]
    return {
        "left": left,
        "code": code,
        "said": said,
        "nothing_new": listed == before,
        "again": again,
        "verified": verified,
        "wrong": wrong,
    }


def _free(data: Path) -> int:
    blocks = subprocess.run(["df", "-B1", "--output=avail", str(data)], capture_output=True, text=True, check=True)
    return int(blocks.stdout.split()[1])


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)], check=True)
    place = folder / "data"
    place.mkdir(mode=0o700)
    with signer(place):
        run(place, "tenant", "add", "first")
        run(place, "connection", "list")
    sys.stdout.write(json.dumps([attempt(place, left) for left in LEFT]))
