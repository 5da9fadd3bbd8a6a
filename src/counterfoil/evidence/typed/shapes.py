"""Every shape that is read by type."""

from typing import Final

from counterfoil.evidence.typed.auditing import AUDIT, SEARCHED, TABLE_AUDIT
from counterfoil.evidence.typed.calling import (
    API_SIGN_IN,
    DEFENDER_CALL,
    HUB_CALL,
    HUB_SIGN_IN,
    TABLE_CALL,
    TABLE_SIGN_IN,
)

SHAPES: Final = (
    HUB_SIGN_IN,
    HUB_CALL,
    TABLE_SIGN_IN,
    TABLE_CALL,
    DEFENDER_CALL,
    API_SIGN_IN,
    SEARCHED,
    TABLE_AUDIT,
    AUDIT,
)
"""Every shape; a record belongs to the first whose marks it has and whose ``plain`` its source confirms."""
