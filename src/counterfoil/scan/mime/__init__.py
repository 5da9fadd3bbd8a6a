"""The bytes of a message as its readers understand them: every plausible reading, none preferred (law 4)."""
