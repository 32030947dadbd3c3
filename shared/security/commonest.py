"""Passwords that are tried first: rules that stand for the lists of them, which have one shape in the main.

A word of those below, or two, with digits and signs around and letters replaced by what looks like them; runs
over the keyboard, the alphabet or the digits; and a few characters again and again. The words are our own
choice, so that no list of others has to be shipped.
"""

import re

_TEXT = """
password passwort passwd parola contrasena motdepasse senha wachtwoord haslo pass word secret geheim
kennwort admin administrator root superuser sysadmin user username guest login logon signin welcome
willkommen bienvenue hello hallo letmein letme openup opensesame changeme change default test tester
testing temp temporary qwerty qwertz azerty asdf zxcv master mistress boss king queen prince princess
dragon monkey shadow sunshine moonlight starlight superman batman spiderman ironman wonderwoman pokemon
pikachu starwars startrek jedi yoda gandalf harrypotter hogwarts matrix hacker killer ninja pirate wizard
trustno trustnoone whatever nothing something everything anything freedom liberty forever together always
never iloveyou iloveu loveyou loveme love lovely lover lovers ilovemylife mylove darling honey baby
babygirl babyboy sweetheart sweetie angel angels heaven jesus jesuschrist christ god blessed blessing
faith hope football fussball soccer baseball basketball hockey tennis golf cricket rugby liverpool
chelsea arsenal manchester united barcelona realmadrid juventus bayern dortmund yankees lakers cowboys
steelers eagles packers michael jordan michelle jennifer jessica amanda ashley nicole daniel david thomas
robert richard william charlie charles george andrew anthony matthew joshua joseph christopher alexander
alexandra maria anna summer winter spring autumn sommer fruehling herbst january february march april may
june july august september october november december monday tuesday wednesday thursday friday saturday
sunday computer internet laptop keyboard windows linux ubuntu debian apple google facebook twitter
instagram youtube microsoft samsung android iphone nokia server database redis docker github gitlab
recuro company chocolate cookie cookies banana orange apples cherry strawberry butter cheese pizza coffee
vanilla ginger pepper flower flowers rainbow butterfly purple yellow blue black white green silver golden
diamond crystal tiger lion eagle falcon phoenix panther cougar wolf bear bunny kitten kitty puppy doggy
horse mustang ferrari porsche mercedes corvette camaro harley yamaha honda toyota ford chevy jaguar
london paris berlin newyork america england germany france canada australia mexico brasil india china
access security secure private confidential system network manager office service support account
mypassword mypass yourpassword thepassword nopassword newpassword oldpassword passphrase the my your is
our and for you me new old one two three abc xyz super mega ultra happy lucky crazy cool
"""
_WORDS = frozenset(_TEXT.split())
_ALIKE = str.maketrans("@4031!57$8+", "aaoeiistsbt")
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "qsdfghjklm",
    "zxcvbnm",
    "yxcvbnm",
    "wxcvbn",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "!@#$%^&*()",
)
_SHORTEST_RUN = 3
_FEW_CHARACTERS = 4
_LONGEST_PERIOD = 5
_YEAR = re.compile(r"(?:19|20)\d\d")


def is_common(password: str) -> bool:
    """Whether it is one of those."""
    text = "".join(password.lower().split())
    if len(set(text)) < _FEW_CHARACTERS or _is_repeated(text):
        return True
    without_years = _YEAR.sub("", text)
    return any(_is_known(one) for one in {text, without_years})


def is_of(password: str, *texts: str) -> bool:
    """Whether it is one of these texts, or of an address the part before the @, with signs around it."""
    core = _letters(password)
    names = {name for text in texts for name in (text, text.partition("@")[0]) if name}
    return any(password.lower() == name.lower() or (core and core == _letters(name)) for name in names)


def _is_known(text: str) -> bool:
    """Whether nothing is left of it without runs, signs at the ends, and words of the list."""
    for changed in {text, text.translate(_ALIKE)}:
        letters = _letters(_without_runs(changed)), _letters(changed)
        if any(not rest or _is_of_words(rest) for rest in letters):
            return True
    return False


def _letters(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalpha())


def _is_of_words(text: str) -> bool:
    """Whether it is one word of the list, or two."""
    if text in _WORDS:
        return True
    return any(text[:cut] in _WORDS and text[cut:] in _WORDS for cut in range(2, len(text) - 1))


def _is_repeated(text: str) -> bool:
    return any(
        len(text) > period and text == (text[:period] * len(text))[: len(text)]
        for period in range(1, _LONGEST_PERIOD + 1)
    )


def _without_runs(text: str) -> str:
    """Without the longest runs along a row, in either direction, from left to right."""
    left, at = "", 0
    while at < len(text):
        length = max(_run_from(text[at:], row) for row in (*_ROWS, *(row[::-1] for row in _ROWS)))
        left += "" if length >= _SHORTEST_RUN else text[at]
        at += length if length >= _SHORTEST_RUN else 1
    return left


def _run_from(text: str, row: str) -> int:
    """How many characters at the beginning stand side by side in the row."""
    length = 1
    while length < len(text) and text[: length + 1] in row:
        length += 1
    return length
