"""What each page shows: rows in, a ``Page`` out. Pure."""
