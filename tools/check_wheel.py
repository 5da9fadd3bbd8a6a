"""Build the wheel, install it with the locked dependencies into a fresh environment, and use it there.

The environment does not see ``src``: what the wheel forgot to pack is found out here.
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Build, install, run; any failure ends with the failed command's exit code."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-wheel-") as name:
        folder = Path(name)
        run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
        (wheel,) = folder.glob("*.whl")
        venv.create(folder / "venv", with_pip=True)
        bin_folder = folder / "venv" / "bin"
        pip = (bin_folder / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps")
        run(*pip, "--require-hashes", "-r", ROOT / "requirements" / "run.lock", cwd=folder)
        run(*pip, wheel, cwd=folder)
        where = "import counterfoil; print(counterfoil.__file__)"
        assert str(folder) in run(bin_folder / "python", "-c", where, cwd=folder), "the wheel is not what is imported"
        version = run(bin_folder / "counterfoil", "--version", cwd=folder).strip()
        report = run(bin_folder / "counterfoil", "scan", "--json", ROOT / "examples" / "clean.eml", cwd=folder)
        assert '"verdict":"clean"' in report, report
        print(f"{wheel.name}: {version}, scans")


def run(*words: object, cwd: Path) -> str:
    """Run a command outside the checkout and return what it printed."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=clean, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))} ended with exit code {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
