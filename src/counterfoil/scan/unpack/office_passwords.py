"""The passwords that Office tries by itself, so that a file locked with one opens without a question."""

from typing import Final

EXCEL: Final = "VelvetSweatshop"
"""Excel's password for a workbook that is write-protected but may be read ([MS-XLS] section 2.2.10)."""

POWERPOINT: Final = "/01Hannes Ruescher/01"
"""PowerPoint's password for a presentation that may be read but not changed."""

DEFAULT_PASSWORDS: Final = (EXCEL, POWERPOINT)
STEP: Final = "ole:decrypt:default-password"
ODDITY: Final = "ole:default-password"
NOT_KNOWN: Final = "encrypted, password not known"


class NotOpened(Exception):
    """The file is encrypted and the default passwords do not open it; ``str()`` says what is known of the lock."""
