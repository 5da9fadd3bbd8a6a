"""The token service of the laboratory: discovery, client assertions, access tokens, sign-in rows."""
