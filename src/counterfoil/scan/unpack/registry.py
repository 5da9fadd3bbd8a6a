"""Which unpackers look inside which kind, in order; adding one is one file and one line.

A kind that is a container and has no unpacker is listed in ``NO_READER``: such bytes are ``uninspectable``, never
silently passed over (law 3).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from counterfoil.scan.kinds import Kind
from counterfoil.scan.unpack import (
    gzips,
    html_blobs,
    office_carriers,
    office_encryption,
    office_ppt,
    office_slk,
    office_vba,
    office_xlm,
    office_xlm_package,
    oles,
    rtf_objects,
    tars,
    tnef,
    zips,
)
from counterfoil.scan.unpack.member import Unpacker

UNPACKERS: Final[Mapping[Kind, tuple[Unpacker, ...]]] = {
    Kind.ZIP: (zips.unpack, office_xlm_package.unpack),
    Kind.GZIP: (gzips.unpack,),
    Kind.BZIP2: (gzips.unpack_bzip2,),
    Kind.XZ: (gzips.unpack_xz,),
    Kind.ZSTD: (gzips.unpack_zstd,),
    Kind.TAR: (tars.unpack,),
    Kind.OLE: (oles.unpack, office_encryption.unpack, office_vba.unpack, office_xlm.unpack, office_ppt.unpack),
    Kind.BIFF: (office_encryption.unpack_workbook, office_xlm.unpack_bare),
    Kind.SLK: (office_slk.unpack,),
    Kind.RTF: (rtf_objects.unpack,),
    Kind.ACTIVEMIME: (office_carriers.unpack_activemime,),
    Kind.XML: (office_carriers.unpack_flat_xml,),
    Kind.ONENOTE: (office_carriers.unpack_onenote,),
    Kind.HTML: (html_blobs.unpack,),
    Kind.SVG: (html_blobs.unpack,),
    Kind.HTA: (html_blobs.unpack,),
    Kind.JAVASCRIPT: (html_blobs.unpack,),
    Kind.TNEF: (tnef.unpack,),
}
"""Messages (``Kind.EML``) are taken apart by ``scan.message`` itself, which reads them like the outermost one."""

NO_READER: Final[Mapping[Kind, str]] = {
    kind: f"no reader for {name}"
    for kind, name in (
        (Kind.SEVEN_ZIP, "7z"),
        (Kind.RAR, "RAR"),
        (Kind.CAB, "CAB"),
        (Kind.ISO, "ISO 9660"),
        (Kind.UDF, "UDF"),
        (Kind.VHD, "VHD"),
        (Kind.VHDX, "VHDX"),
        (Kind.VMDK, "VMDK"),
        (Kind.WIM, "WIM"),
        (Kind.DMG, "DMG"),
        (Kind.ARJ, "ARJ"),
        (Kind.ACE, "ACE"),
        (Kind.LHA, "LHA"),
        (Kind.ZPAQ, "ZPAQ"),
        (Kind.CPIO, "cpio"),
        (Kind.AR, "ar (deb)"),
        (Kind.RPM, "RPM"),
        (Kind.XAR, "xar"),
        (Kind.ALZ, "ALZ"),
        (Kind.EGG, "EGG"),
        (Kind.COMPRESS, "compress"),
        (Kind.LZ4, "LZ4"),
        (Kind.LZIP, "lzip"),
        (Kind.PKCS7, "S/MIME"),
        (Kind.ONENOTE, "OneNote"),
    )
}


def unpackers(kinds: tuple[Kind, ...]) -> Iterator[Unpacker]:
    """Yield every unpacker for any of the kinds, each once, in the order of the kinds."""
    seen: list[Unpacker] = []
    for kind in kinds:
        for unpacker in UNPACKERS.get(kind, ()):
            if unpacker not in seen:
                seen.append(unpacker)
                yield unpacker
