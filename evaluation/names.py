"""One sequence, several spellings: Human4-2, human4_2 and Human4.2 are the same."""

from collections.abc import Iterable


def match_name(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that spells the same name, or None.

    The exact spelling wins. Otherwise lower-case letters and digits are compared, but only a single
    match counts: UAV123 has both ``car1_1`` and ``car11``.
    """
    known = list(candidates)
    if name in known:
        return name
    matches = [each for each in known if _plain(each) == _plain(name)]
    return matches[0] if len(matches) == 1 else None


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
