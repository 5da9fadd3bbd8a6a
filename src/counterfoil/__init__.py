"""Counterfoil: email security for Microsoft 365 that keeps a stub of everything it does."""

__version__ = "0.1.0"
