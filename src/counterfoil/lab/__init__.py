"""A laboratory Microsoft 365 on loopback, for drills and tests. No product code knows of it."""
