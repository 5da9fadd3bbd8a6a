"""What a shape is that is read by type: which columns, how they are spelled, and what they mean.

A shape is data. ``columns`` are read with these types and nothing is inferred; ``values`` say in SQL over
those columns what each thing is that its source needs (:mod:`counterfoil.evidence.typed.sources`);
``plain`` is what must hold of every row besides, or the file is refused. Shapes: Azure Monitor's tables
and diagnostic settings, Microsoft Graph ``signIn``, Office 365 Management Activity API schema.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Shape:
    """One spelling of one log. ``marks`` are keys that every record has, ``label`` one of them and its value."""

    name: str
    source: str
    marks: frozenset[str]
    label: tuple[str, str] | None
    columns: Mapping[str, str]
    values: Mapping[str, str]
    plain: tuple[str, ...] = ()
    first: Mapping[str, str] = field(default_factory=dict)
    opened: Mapping[str, str] = field(default_factory=dict)
    """For shapes with JSON inside text: the columns they are read with first, and the SQL that opens them, by
    the name of the column it gives; the result is written as JSON and read again with ``columns``."""


TEXT: Final = "VARCHAR"
PATH_TENANT: Final = "CASE WHEN starts_with(lower({0}), '/tenants/') THEN lower(substr({0}, 10, 36)) END"
SUMMARY: Final = {"signInCount": TEXT, "aggregatedSignInCount": TEXT, "firstSignInDateTime": TEXT}
DETAILS: Final = "STRUCT(key VARCHAR, value VARCHAR)[]"
DETAILS_JSON: Final = '[{"key":"VARCHAR","value":"VARCHAR"}]'


def columns_of(names: str, **others: str) -> dict[str, str]:
    """Name columns of text, and others with their types."""
    return {**dict.fromkeys(names.split(), TEXT), **others}


def inside_of(value: str) -> str:
    """Say the same of the columns of ``record``: they are the capitalised names."""
    return re.sub(r"(?<![A-Za-z_.])([A-Z][A-Za-z]+)(?![A-Za-z(])", r"record.\1", value)


def struct_of(columns: Mapping[str, str]) -> str:
    """Spell the type of an object with these fields."""
    return "STRUCT(" + ", ".join(f'"{name}" {kind}' for name, kind in columns.items()) + ")"
