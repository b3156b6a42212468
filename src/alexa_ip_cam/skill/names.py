"""What a camera may be called, so that a person can say it and Alexa takes it."""

import unicodedata

MAX_FRIENDLY_NAME = 128  # the limit of Amazon's published message schema; the discovery page allows 256


def friendly_name_problem(name: str) -> str | None:
    """What is wrong with a camera's name, with the mend; None if nothing is.

    Letters of every language with their marks, digits and single spaces are allowed ("Alexa.Discovery
    Interface": no special characters or punctuation).
    """
    if not name or len(name) > MAX_FRIENDLY_NAME:
        return f"has {len(name)} characters; use 1 to {MAX_FRIENDLY_NAME}"
    wrong = sorted({character for character in name if not _is_speakable(character)})
    if wrong:
        listed = " ".join(repr(character) for character in wrong)
        return f"contains {listed}; use letters, digits and spaces, as the name is spoken"
    if name != " ".join(name.split()):
        return "has spaces at an end or several in a row; use single spaces between words"
    return None


def _is_speakable(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] in "LMN"
