"""What reading leaves behind for the database, and how a database is opened here."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from counterfoil.evidence.readers.reading import FileReading

SETTINGS: Final = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
"""Nothing is downloaded, and no extension is loaded but those that are built in."""


@dataclass(slots=True)
class Collected:
    """What was read: rows as JSON lines, and Parquet files of the typed way.

    The name of a part ends with the source of its rows. ``places`` gives for each path of a typed file its name and
    the row of the Parquet file at which it begins;
    ``refused`` are paths whose rows in the Parquet files do not count.
    """

    readings: list[FileReading]
    rows: Path
    parts: list[Path] = field(default_factory=list)
    places: dict[str, tuple[str, int]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
