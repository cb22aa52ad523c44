"""Texts as JSON writes them: free ones, and those of a format."""

from __future__ import annotations

from fastscore.assistant.expression import (
    DIGIT,
    Characters,
    Expression,
    Literal,
    choice,
    repeat,
    sequence,
    words,
)


def _of(letters: str) -> Characters:
    return Characters(tuple((ord(letter), ord(letter)) for letter in letters))


# No control characters, quote, backslash, or half of a UTF-16 pair.
PLAIN = Characters(((0x20, 0x21), (0x23, 0x5B), (0x5D, 0x7E), (0x80, 0xD7FF), (0xE000, 0x10FFFF)))
_HEX = Characters(((0x30, 0x39), (0x41, 0x46), (0x61, 0x66)))
_CODE = choice(
    [
        sequence(Characters(((0x30, 0x39), *_of("ABCEFabcef").ranges)), repeat(_HEX, 3, 3)),
        sequence(_of("Dd"), Characters(((0x30, 0x37),)), repeat(_HEX, 2, 2)),
    ]
)
LETTER = choice(
    [PLAIN, sequence(Literal("\\"), choice([_of('"\\/bfnrt'), sequence(Literal("u"), _CODE)]))]
)

# How letters are spelled that a string cannot hold as they are.
ESCAPES = {
    0x22: '\\"',
    0x5C: "\\\\",
    0x08: "\\b",
    0x0C: "\\f",
    0x0A: "\\n",
    0x0D: "\\r",
    0x09: "\\t",
}


def quoted(content: Expression) -> Expression:
    """A JSON string."""
    return sequence(Literal('"'), content, Literal('"'))


def free_text(least: int = 0, most: int | None = None) -> Expression:
    """Any text of ``least`` to ``most`` code points."""
    return quoted(repeat(LETTER, least, most, "text"))


def _two(low: int, high: int) -> Expression:
    return words([f"{number:02d}" for number in range(low, high + 1)])


_N2, _N4 = repeat(DIGIT, 2, 2), repeat(DIGIT, 4, 4)
_DATE = sequence(
    # The year 0000 is none of Python's.
    choice(
        sequence(
            repeat(Literal("0"), n, n), Characters(((0x31, 0x39),)), repeat(DIGIT, 3 - n, 3 - n)
        )
        for n in range(4)
    ),
    Literal("-"),
    choice(
        [
            sequence(words(["01", "03", "05", "07", "08", "10", "12"]), Literal("-"), _two(1, 31)),
            sequence(words(["04", "06", "09", "11"]), Literal("-"), _two(1, 30)),
            sequence(Literal("02-"), _two(1, 28)),  # a leap day takes more than a grammar
        ]
    ),
)
_CLOCK = sequence(_two(0, 23), Literal(":"), _two(0, 59), Literal(":"), _two(0, 59))
_TIME = sequence(
    _CLOCK,
    choice([Literal("Z"), sequence(_of("+-"), _two(0, 23), Literal(":"), _two(0, 59))]),
)
_UUID = sequence(
    *(
        part
        for i, n in enumerate((8, 4, 4, 4, 12))
        for part in (Literal("-" if i else ""), repeat(_HEX, n, n))
    )
)

FORMATS = {
    "date": quoted(_DATE),
    "time": quoted(_TIME),
    "date-time": quoted(sequence(_DATE, Literal("T"), _TIME)),
    **dict.fromkeys(("uuid", "uuid1", "uuid3", "uuid4", "uuid5"), quoted(_UUID)),
}
"""Formats that are kept."""

FREE_FORMATS = frozenset({"binary", "password", "path", "file-path", "directory-path"})
"""Formats of which any text is one."""
