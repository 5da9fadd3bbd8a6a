import pytest

from counterfoil.scan.mime.names import conflicting, names_of
from counterfoil.scan.mime.parameters import read, without_comments

DISPOSITIONS = {
    "plain": b'attachment; filename="a.exe"',
    "unquoted": b"attachment; filename=a.exe",
    "blanks around": b"attachment; filename = a.exe",
    "single quotes": b"attachment; filename='a.exe'",
    "half a quote": b'attachment; filename="a.exe',
    "continued": b"attachment; filename*0=a.; filename*1=exe",
    "continued out of order": b"attachment; filename*1=exe; filename*0=a.",
    "continued without the first": b"attachment; filename*1=a.; filename*2=exe",
    "continued with a gap": b"attachment; filename*0=a.; filename*2=exe",
    "extended": b"attachment; filename*=utf-8''a%2Eexe",
    "extended with language": b"attachment; filename*=utf-8'en-US'a.exe",
    "extended in utf-16": b"attachment; filename*=UTF-16''%00a%00.%00e%00x%00e",
    "continued and extended": b"attachment; filename*0*=''a%2E; filename*1*=exe",
    "encoded word": b'attachment; filename="=?utf-8?b?YS5leGU=?="',
    "encoded word in utf-16": b'attachment; filename="=?utf-16?B?AGEALgBlAHgAZQ==?="',
    "comment behind": b"attachment; filename=a.exe(x)",
    "comment in the name": b"attachment; file(x)name=a.exe",
    "escape": rb'attachment; filename="a\.exe"',
    "twice": b"attachment; filename=b.txt; filename=a.exe",
    "plain and extended": b"attachment; filename=b.txt; filename*=''a.exe",
    "quoted key": b'attachment; "filename=a.exe"',
    "no type": b"filename=a.exe",
}


@pytest.mark.parametrize("raw", DISPOSITIONS.values(), ids=DISPOSITIONS)
def test_every_spelling_yields_the_name(raw):
    """The name that some client shows is in the set, however it is written."""
    assert "a.exe" in names_of([read(raw)], [])


def test_both_fields_name_a_part():
    """Content-Disposition and Content-Type may disagree; both names are kept, and that is a conflict."""
    names = names_of([read(b"attachment; filename=a.txt")], [read(b"application/x; name=a.exe")])
    assert names == ("a.txt", "a.exe")
    assert conflicting(names)


def test_spellings_of_one_name_are_no_conflict():
    """An encoded word beside its decoded form is what honest clients send."""
    names = names_of([read(b'attachment; filename="=?utf-8?b?YS5leGU=?="')], [])
    assert not conflicting(names)


def test_trailing_dots_blanks_and_directions_survive():
    """The oddities of a name are evidence, so they are not cleaned away."""
    name = "a\u202efdp.exe. "
    assert name in names_of([read(f'attachment; filename="{name}"'.encode())], [])


def test_comments_nest_and_may_never_end():
    """RFC 5322 comments nest; one that never ends hides the rest from those who know comments."""
    assert without_comments('a(b(c)d)e"(f)"') == 'ae"(f)"'
    assert without_comments("a(b" + "(" * 100_000) == "a"
