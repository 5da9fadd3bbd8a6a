"""The exports that reconciling is measured on are real ones: they have one right answer, and it comes out."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from bench import exports
from bench.__main__ import BENCHES


def test_made_exports_have_the_answer_that_is_planted_in_them(tmp_path):
    """Of three tenants with a day of calls the one with a call that no stub explains is touched, the others clean."""
    exports.write(tmp_path, 3_000, 3)

    command = [sys.executable, "-m", "counterfoil", "reconcile", "--json"]
    places = ["--stubs", str(tmp_path / "stubs.jsonl"), "--logs", str(tmp_path / "logs")]
    done = subprocess.run([*command, *places], capture_output=True, text=True, timeout=100, check=False)

    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert {name: answer["summary"][name] for name in ("using", "touched", "cannot_say", "clean")} == {
        "using": 3,
        "touched": 1,
        "cannot_say": 0,
        "clean": 2,
    }
    found = [entry for tenant in answer["tenants"] for entry in tenant["discrepancies"]]
    assert [(entry["kind"], entry["count"]) for entry in found] == [("replayed-token", 1)]


@pytest.mark.parametrize("name", BENCHES)
def test_every_bench_can_be_run_by_its_name(name):
    """A bench is a module of its own name with one function ``run``; what it is made of still imports."""
    module = importlib.import_module(f"bench.{name}")

    assert callable(module.run)
    assert (Path(module.__file__).parent / f"{name}.py").exists()
