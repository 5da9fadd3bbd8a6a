"""What the gateway remembers: tenants, messages and what became of them, and the held bytes.

Every write goes through the ledger, so that a stub and the rows that depend on it commit together.
"""
