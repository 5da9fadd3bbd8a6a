"""The table of magic numbers; sources are the formats' own specifications and libmagic's database."""

from collections import defaultdict
from typing import Final

from counterfoil.scan.kinds.kind import Kind

HEADS: Final = (
    (b"MZ", Kind.PE),  # corrected to DOS where no PE header follows
    (b"ZM", Kind.DOS),
    (b"\x7fELF", Kind.ELF),
    (b"\xfe\xed\xfa\xce", Kind.MACHO),
    (b"\xfe\xed\xfa\xcf", Kind.MACHO),
    (b"\xce\xfa\xed\xfe", Kind.MACHO),
    (b"\xcf\xfa\xed\xfe", Kind.MACHO),
    (b"\xca\xfe\xba\xbe", Kind.JAVA_CLASS),  # corrected to Mach-O by the count behind it
    (b"dex\n", Kind.ANDROID_DEX),
    (b"L\x00\x00\x00\x01\x14\x02\x00", Kind.LNK),
    (b"ITSF", Kind.CHM),
    (b"#@~^", Kind.JSE),
    (b"{\\rt", Kind.RTF),
    (b"%PDF-", Kind.PDF),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind.OLE),
    (b"\x0e\x11\xfc\x0d\xd0\xcf\x11\xe0", Kind.OLE),
    (b"\x09\x00\x04\x00", Kind.BIFF),
    (b"\x09\x02\x06\x00", Kind.BIFF),
    (b"\x09\x04\x06\x00", Kind.BIFF),
    (b"\x09\x08\x10\x00", Kind.BIFF),
    (b"\x09\x08\x08\x00", Kind.BIFF),
    (b"ID;P", Kind.SLK),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", Kind.ONENOTE),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
    (b"PK00PK\x03\x04", Kind.ZIP),
    (b"\x1f\x8b", Kind.GZIP),
    (b"BZh", Kind.BZIP2),
    (b"\xfd7zXZ\x00", Kind.XZ),
    (b"\x28\xb5\x2f\xfd", Kind.ZSTD),
    (b"\x04\x22\x4d\x18", Kind.LZ4),
    (b"LZIP", Kind.LZIP),
    (b"\x1f\x9d", Kind.COMPRESS),
    (b"7z\xbc\xaf\x27\x1c", Kind.SEVEN_ZIP),
    (b"Rar!\x1a\x07", Kind.RAR),
    (b"RE~^", Kind.RAR),
    (b"MSCF\x00\x00\x00\x00", Kind.CAB),
    (b"ISc(", Kind.CAB),
    (b"conectix", Kind.VHD),
    (b"vhdxfile", Kind.VHDX),
    (b"KDMV", Kind.VMDK),
    (b"MSWIM\x00\x00\x00", Kind.WIM),
    (b"\x60\xea", Kind.ARJ),
    (b"zPQ", Kind.ZPAQ),
    (b"7kSt", Kind.ZPAQ),
    (b"070701", Kind.CPIO),
    (b"070702", Kind.CPIO),
    (b"070707", Kind.CPIO),
    (b"\xc7\x71", Kind.CPIO),
    (b"!<arch>\n", Kind.AR),
    (b"\xed\xab\xee\xdb", Kind.RPM),
    (b"xar!", Kind.XAR),
    (b"ALZ\x01", Kind.ALZ),
    (b"EGGA", Kind.EGG),
    (b"\x78\x9f\x3e\x22", Kind.TNEF),
    (b"ActiveMime", Kind.ACTIVEMIME),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"GIF87a", Kind.GIF),
    (b"GIF89a", Kind.GIF),
    (b"II*\x00", Kind.TIFF),
    (b"MM\x00*", Kind.TIFF),
    (b"\x00\x00\x01\x00", Kind.ICO),
    (b"\xd7\xcd\xc6\x9a", Kind.WMF),
    (b"ID3", Kind.MP3),
    (b"\xff\xfb", Kind.MP3),
    (b"OggS", Kind.OGG),
    (b"FWS", Kind.FLASH),
    (b"CWS", Kind.FLASH),
    (b"ZWS", Kind.FLASH),
    (b"OTTO\x00", Kind.FONT),
    (b"\x00\x01\x00\x00\x00", Kind.FONT),
    (b"wOFF", Kind.FONT),
    (b"wOF2", Kind.FONT),
    (b"SQLite format 3\x00", Kind.SQLITE),
)
"""What a file of the kind begins with."""

FIXED: Final = (
    (2, b"-lh", Kind.LHA),
    (2, b"-lz", Kind.LHA),
    (4, b"ftyp", Kind.MP4),
    (7, b"**ACE**", Kind.ACE),
    (8, b"WEBP", Kind.WEBP),
    (8, b"WAVE", Kind.WAV),
    (40, b" EMF", Kind.EMF),
    (257, b"ustar", Kind.TAR),
    (32769, b"CD001", Kind.ISO),
    (32769, b"BEA01", Kind.UDF),
    (34817, b"NSR0", Kind.UDF),
)
"""What stands at one offset that is not the first."""

ANYWHERE: Final = (
    (b"Rar!\x1a\x07", Kind.RAR),
    (b"7z\xbc\xaf\x27\x1c\x00", Kind.SEVEN_ZIP),
    (b"MSCF\x00\x00\x00\x00", Kind.CAB),
    (b"QWN0aXZlTWltZQ", Kind.ACTIVEMIME),
)
"""What its readers look for anywhere, because self-extracting programs carry it behind themselves."""

CONTAINERS_OF_ANYTHING: Final = frozenset(
    {Kind.ZIP, Kind.GZIP, Kind.TAR, Kind.OLE, Kind.SEVEN_ZIP, Kind.RAR, Kind.CAB, Kind.ISO, Kind.UDF, Kind.VHD}
    | {Kind.VHDX, Kind.VMDK, Kind.WIM, Kind.BZIP2, Kind.XZ, Kind.ZSTD, Kind.TNEF, Kind.ONENOTE, Kind.AR, Kind.CPIO}
)
"""In these another magic inside is a member, not a second nature."""


def _by_first_octet() -> dict[int, tuple[tuple[bytes, Kind], ...]]:
    table: defaultdict[int, list[tuple[bytes, Kind]]] = defaultdict(list)
    for magic, kind in HEADS:
        table[magic[0]].append((magic, kind))
    return {octet: tuple(entries) for octet, entries in table.items()}


BY_FIRST_OCTET: Final = _by_first_octet()
