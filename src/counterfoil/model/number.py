"""Numbers in sentences."""


def counted(number: int, one: str, several: str | None = None) -> str:
    """Spell a number with its noun: ``1 message``, ``2 messages``; ``several`` where that is not ``one`` with an s."""
    return f"{number} {one if number == 1 else several or one + 's'}"
