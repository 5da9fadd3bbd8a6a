"""Compound files ([MS-CFB]) as streams by name, and with streams of the same size put in their place."""

import io
from collections.abc import Iterator, Mapping

import olefile

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Compound:
    """A compound file, read from memory.

    Raises:
        OSError: From every method, where the file's structure is broken (``olefile.OleFileError`` is one).
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._file = olefile.OleFileIO(io.BytesIO(data))

    def paths(self) -> Iterator[tuple[str, ...]]:
        """Yield the path of every stream."""
        return (tuple(path) for path in self._file.listdir(streams=True, storages=False))

    def stream(self, *path: str) -> bytes | None:
        """Return a stream's bytes, or ``None`` where there is none of that path (case does not matter)."""
        name = list(path)
        if not self._file.exists(name) or self._file.get_type(name) != olefile.STGTY_STREAM:
            return None
        content: bytes = self._file.openstream(name).read()
        return content

    def with_streams(self, streams: Mapping[str, bytes]) -> bytes:
        """Return the file with the named streams overwritten; each keeps its size."""
        target = io.BytesIO(self.data)
        file = olefile.OleFileIO(target, write_mode=True)
        for name, content in streams.items():
            file.write_stream(name, content)
        return target.getvalue()


def is_compound(data: bytes) -> bool:
    """Tell whether the bytes begin as a compound file does."""
    return data.startswith(MAGIC)
