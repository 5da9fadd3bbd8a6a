"""Where Microsoft 365 is reached, and what each of its resources is called."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Base addresses without a slash at the end; ``ca`` is a file of certificates to trust instead of the system's.

    The defaults are the global cloud; a national cloud or a laboratory
    has others.
    """

    login: str = "https://login.microsoftonline.com"
    graph: str = "https://graph.microsoft.com"
    management: str = "https://manage.office.com"
    ca: str | None = None


GRAPH = "https://graph.microsoft.com"
EXCHANGE = "https://outlook.office365.com"
MANAGEMENT = "https://manage.office.com"
"""Audiences. They name the resource wherever it is reached: a laboratory keeps the names."""
