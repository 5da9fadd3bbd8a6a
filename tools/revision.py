"""Write the next revision of the database schema, from what the packages declare and what the revisions make.

python tools/revision.py "keep the reason of a release"
"""

import argparse
import importlib
import re
import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext

import counterfoil
from counterfoil.database import metadata
from counterfoil.database.schema import REVISIONS, revisions, upgrade

SOURCE = Path(counterfoil.__file__).parent
FILE = '''"""{subject}."""

import sqlalchemy as sa
from alembic import op

revision = "{number:04}"
down_revision: str | None = "{before}"


def upgrade() -> None:
    """Go up from the revision before."""
    {steps}
'''


def import_tables() -> None:
    """Import every module that declares a table."""
    for path in sorted(SOURCE.rglob("*.py")):
        if re.search(r"^\w+ = sa\.Table\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            importlib.import_module(".".join(path.relative_to(SOURCE.parent).with_suffix("").parts))


def difference(engine: sa.Engine) -> str:
    """Return the steps, as code, from the schema of a database to that of the packages."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"target_metadata": metadata})
        steps = produce_migrations(context, metadata).upgrade_ops
        return "" if steps is None or steps.is_empty() else render_python_code(steps)


def main() -> int:
    """Write the file, if there is anything to write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("subject", help="what changes, in a few words")
    arguments = parser.parse_args()
    import_tables()
    before = revisions()
    with tempfile.TemporaryDirectory() as folder:
        engine = sa.create_engine(f"sqlite:///{folder}/schema.db")
        upgrade(engine, metadata, "at hand")
        steps = difference(engine)
        engine.dispose()
    if not steps:
        sys.stdout.write("the revisions make what the packages declare\n")
        return 0
    name = re.sub(r"[^a-z0-9]+", "_", arguments.subject.lower()).strip("_")
    number = len(before) + 1
    place = REVISIONS / f"r{number:04}_{name}.py"
    steps = re.sub(r"^ *# ###.*\n?", "", steps, flags=re.MULTILINE)
    place.write_text(
        FILE.format(subject=arguments.subject, number=number, before=before[-1], steps=steps.strip()), encoding="utf-8"
    )
    sys.stdout.write(
        f"{place}: read it, format it, add a test that old rows survive it, and its digest to\n"
        "tests/database/released.txt; from then on it is never changed\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
