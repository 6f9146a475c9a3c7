"""One sequence, several spellings: Human4-2, human4_2 and Human4.2 are the same."""

from collections.abc import Callable, Iterable

_RESULT_ALIASES = {"human4": "Human4-2"}
"""Results of GOT-10k's toolkit leave out the number, since OTB100 has one target of that folder."""


def match_name(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that spells the same name, or None.

    The exact spelling wins. Otherwise lower-case letters and digits are compared, but only a single
    match counts: UAV123 has both ``car1_1`` and ``car11``.
    """
    return name_finder(candidates)(name)


def name_finder(candidates: Iterable[str]) -> Callable[[str], str | None]:
    """Return `match_name` over the same candidates, for many names."""
    known = set(candidates)
    spellings: dict[str, list[str]] = {}
    for each in sorted(known):
        spellings.setdefault(plain_name(each), []).append(each)

    def find(name: str) -> str | None:
        if name in known:
            return name
        matches = spellings.get(plain_name(name), [])
        return matches[0] if len(matches) == 1 else None

    return find


def result_finder(candidates: Iterable[str]) -> Callable[[str], str | None]:
    """Return `match_name` over the same candidates, for names of result files."""
    find = name_finder(candidates)
    return lambda name: find(name) or find(_RESULT_ALIASES.get(name.lower(), name))


def plain_name(name: str) -> str:
    """Return the lower-case letters and digits of a name, which all its spellings share."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
