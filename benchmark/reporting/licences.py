"""Whether pictures of a data set may be passed on, as far as its licence says so."""

from __future__ import annotations

import re

#: Licences that let anybody pass pictures on.
_OPEN = re.compile(r"\b(CC0|CC[ -]BY(?![ -]N)[-\w. ]*|public domain|MIT|Apache|BSD|no known copyright)", re.I)
#: Words that leave it open, whatever licence stands beside them.
_DOUBT = re.compile(r"not stated|not verified|unknown|mixed|no formal|research|may not|only", re.I)


def may_be_published(licence: str) -> bool:
    """Whether a licence, in words, lets anybody pass the pictures on; in doubt it does not."""
    parts = licence.split(";")
    own = next((part for part in parts if part.strip().startswith("pictures")), licence)
    return bool(_OPEN.search(own)) and not _DOUBT.search(own)


def terms(title: str, licence: str) -> str:
    """Say why pictures are not to be published; "" where they may be."""
    if may_be_published(licence):
        return ""
    return f"Not to be published: pictures of {title}, whose terms are: {licence or 'not stated'}."
