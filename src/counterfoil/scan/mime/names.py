"""All plausible file names of a part: RFC 2183, RFC 2045, RFC 2231, RFC 2047, and what programs make of mixtures."""

import re

from counterfoil.scan.mime.parameters import Value, candidates, name_texts

_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,8})$")
_BREAKS = re.compile(r"[\r\n\t]+ ?")
_MAX_NAMES = 40


def names_of(dispositions: list[Value], types: list[Value]) -> tuple[str, ...]:
    """Return every plausible name, the most literal first; ``()`` where no field names the part."""
    values = [*((value, "filename") for value in dispositions), *((value, "name") for value in types)]
    if all(not value.odd for value, _ in values):
        plain = [value.parameters[key] for value, key in values if key in value.parameters]
        if not plain:
            return ()
    elif not any("na" in value.text.lower() for value, _ in values):
        return ()
    else:
        plain = [name for value, key in values for name in _of(value, key)]
        if len(values) > 1 and any("*" in value.text for value, _ in values):
            joined = "; ".join(value.text for value, _ in values)
            plain.extend((*candidates(joined, "filename"), *candidates(joined, "name")))
    texts = (text for name in plain for text in name_texts(name))
    return tuple(dict.fromkeys(text for text in map(_clean, texts) if text))[:_MAX_NAMES]


def conflicting(names: tuple[str, ...]) -> bool:
    """Tell whether the names end in different extensions once they are decoded."""
    decoded = [name for name in names if "=?" not in name and "%" not in name and "''" not in name]
    extensions = {match[1].lower() for name in decoded if (match := _EXTENSION.search(name.rstrip(". \"';)")))}
    return len(extensions) > 1


def _of(value: Value, key: str) -> list[str]:
    if not value.odd:
        return [value.parameters[key]] if key in value.parameters else []
    return candidates(value.text, key)


def _clean(name: str) -> str:
    return _BREAKS.sub("", name).replace("\0", "\ufffd")[:1_000]
