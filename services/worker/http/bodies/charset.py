"""What a body says as text: by its byte order mark, its Content-Type, or as UTF-8 (spec §4)."""

import codecs
import encodings
import re
from encodings.aliases import aliases
from pkgutil import iter_modules

from shared.basics.memory import MEBIBYTE, remembered

_LONG_MARKS = ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"))
"""Of what says that it is UTF-32: the first begins like one of the others."""
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
TYPE_CHARACTERS = 256
_FIRST = frozenset((0xEF, 0xFE, 0xFF, 0x00))
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)
_AS_WINDOWS_1252 = frozenset(("iso8859-1", "ascii"))
"""As browsers read them (WHATWG Encoding): who says Latin-1 mostly means this."""
_SPELLINGS = frozenset(aliases) | frozenset(module.name for module in iter_modules(encodings.__path__))
"""Python would look for a module of any other name too, and remember for ever that there is none."""
_LITTLE = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
"""As browsers read what has no byte order mark; Python refuses some of it."""
_KNOWN = re.compile(
    r"utf-(8|16|16-le|16-be|32|32-le|32-be)|cp(125\d|866|874|932|949|950)|iso8859-\d+|koi8-[rut]|gb2312|gbk|gb18030"
    r"|big5|big5hkscs|shift_jis|shift_jisx0213|euc_(jp|kr)|iso2022_(jp|kr)|johab|mac-(roman|cyrillic)|tis-620"
)
_OF_ONE_BYTE = re.compile(r"cp(125\d|866|874)|iso8859-\d+|koi8-[rut]|mac-(roman|cyrillic)|tis-620")


def as_utf8(body: bytearray, content_type: str, *, is_whole: bool) -> None:
    """Turn a body into UTF-8 without a mark, if it is another text; UTF-8 stays byte for byte."""
    name, mark = charset_of(content_type[:TYPE_CHARACTERS]) if content_type else "utf-8", 0
    if body and body[0] in _FIRST:
        marks = _LONG_MARKS if name.startswith("utf-32") else _MARKS
        name, mark = next(((of, len(bom)) for bom, of in marks if body.startswith(bom)), (name, 0))
    if name == "utf-8":
        if mark:
            del body[:mark]
    elif body:
        body[:] = text_of(body[mark:], name, is_whole=is_whole).encode("utf-8", "replace")


def text_of(body: bytearray, name: str = "utf-8", *, is_whole: bool) -> str:
    """What is none of its charset becomes U+FFFD; the torn end of a body that is not whole is left out."""
    if table := _table(name):
        return codecs.charmap_decode(bytes(body), "strict", table)[0]
    if is_whole:
        return body.decode(name, "replace")
    return codecs.getincrementaldecoder(name)("replace").decode(bytes(body), False)


@remembered(MEBIBYTE, per_entry=2048)
def _table(name: str) -> str:
    """Of a charset of one byte a character, all of them; with it what is none of it takes no longer."""
    return bytes(range(256)).decode(name, "replace") if _OF_ONE_BYTE.fullmatch(name) else ""


def is_utf8(body: bytearray) -> bool:
    """Whether it is text as it is."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


@remembered(MEBIBYTE)
def charset_of(content_type: str) -> str:
    """Of a Content-Type, the name by which Python knows its charset; UTF-8 if it names none that we know."""
    said = _CHARSET.search(content_type)
    if not said:
        return "utf-8"
    spelt = encodings.normalize_encoding(said[1].lower())
    if spelt not in _SPELLINGS:
        return "utf-8"
    try:
        name = codecs.lookup(spelt).name
    except LookupError:  # a module beside the codecs
        return "utf-8"
    if name in _AS_WINDOWS_1252:
        return "cp1252"
    return _LITTLE.get(name, name) if _KNOWN.fullmatch(name) else "utf-8"
