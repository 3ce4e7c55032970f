"""Says which names and values of a photo's metadata tell a place. Owns these rules; knows no file format.

Lists of properties never end, so that names are judged by their words, and values by their form: pairs of decimals,
degrees and minutes, ISO 6709, geo URIs (RFC 5870), links to maps, Plus Codes, grid references, well-known text.
"""

from __future__ import annotations

import re
from typing import Final

_LONGEST_CHECKED: Final = 20_000  # characters of one value; a longer one is no caption

_WORD: Final = re.compile(r"[^\W\d_A-Z]+|[A-Z]+(?![a-z])|[A-Z][a-z]*")
_PLACE_WORD: Final = re.compile(
    r"adr(ess)?|address(es)?|altitude|borough|bssid|cit(y|ies)|ciudad|continent|coord(s|inates?)?|countr(y|ies)|county|district|easting"
    r"|elevation|footprint|islands?|landmarks?|lat|latitude|lng|lieux?|locality|locations?|lon|longitude|lugares|luoghi"
    r"|mgrs|municipality|neighbou?rhood|northing|orte?|ortsname|pa[ií]s|pays|places?|placename|plaatsen|platser|poi|postal|postcode|province"
    r"|spatial|ssid|stadt|steder|street|sublocation|suburb|town|utm|venue|village|ville|waterbody|waypoint|zipcode"
    r"|cellid|cgi|lac|mcc|mnc",  # the cell of a telephone network
    re.IGNORECASE,
)
_GPS_NAMES: Final = re.compile(r"gps\w*|\w*(latitude|longitude)\w*", re.IGNORECASE)
_PLACE_NAMES: Final = re.compile(
    r"geo(?!metr)\w*|\w*georeferenc\w*|\w*geograph(y|ic|ical)(ID)?|state(name|code)?"
    r"|(world|licensor)_?region|water_?body|habitat|plus_?codes?|what3words|w3w|grid_?ref(erence)?|based_?near|long"
    r"|\w*(abs|rel|target)_?alt",
    re.IGNORECASE,
)
_PLACE_NAMESPACES: Final = re.compile(
    r"(^|[/.#:_-])(gps|geo(?!metr)\w*|wgs84\w*|gml|kml|opengis|cell|locations?|places?)($|[/.#:_-])", re.IGNORECASE
)

# What is matched is never given back, so that a row of numbers takes no longer than its length. A comma before a
# decimal point parts degrees and minutes.
_FRACTION: Final = r"(?:\.\d{1,12}+|,\d{1,12}+(?!\.))?+"
_ANGLE: Final = (
    rf"\d{{1,3}}+{_FRACTION} ?+(?:(?:deg|[°º˚d:, ]) ?+)?+(?:\d{{1,2}}+{_FRACTION} ?+['′’m:, ]{{0,3}}+)?+"
    rf"(?:\d{{1,2}}+{_FRACTION} ?+[\"″”'′’s]{{0,2}}+ ?+)?+"
)
_RATIONAL_ANGLE: Final = r"\d{1,3}/1[, ]{1,2}\d{1,2}/1[, ]{1,2}\d{1,10}/\d{1,10}"
_COORDINATES: Final = re.compile(
    "|".join(
        [
            rf"(?<![\w.])(?i:{_ANGLE}(?:[NS]|north|south)\b[ ,;/|-]{{0,4}}{_ANGLE}(?:[EWO]|east|west)\b)",
            rf"\b[NS] ?{_ANGLE}[ ,;/|-]{{0,4}}\b[EWO] ?\d{{1,3}}\b",  # N 56°13.5' E 10°34.2'
            r"(?<![\w.])\d{1,3},\d{1,2}(?:\.\d{1,12}|,\d{1,2})[NSEW]\b",  # XMP's own: 56,13.5N
            r"(?<![\w.])\d{1,3}\.\d{4,12}+(?: ?[°º˚]| ?[NSEWO]\b)|\b[NSEWO] ?\d{1,3}\.\d{4}",  # one angle, 56.2231° N
            r"(?<![\w.])\d{1,3} ?(?:[°º˚]|deg) ?\d{1,2}(?:[.,]\d{1,12})? ?['′’]",  # one angle with minutes
            r"(?<![\w.])[+-]\d{2,6}(?:\.\d{1,12})?[+-]\d{3,7}(?:\.\d{1,12})?(?:[+-]\d{1,6}(?:\.\d{1,12})?)?(?:CRS\w{1,20})?/",
            r"(?<![\w.])[+-]\d{2,6}\.\d{1,12}[+-]\d{3,7}\.\d{1,12}\b",  # ISO 6709, of which the slash is forgotten
            r"(?<![\w.,])-?\d{1,3},\d{4,12} ?[;/| ] ?-?\d{1,3},\d{4,12}(?![\w.,])",  # 56,2231; 10,5712
            rf"(?<![\w/]){_RATIONAL_ANGLE}\W{{1,4}}{_RATIONAL_ANGLE}(?![\w/])",  # EXIF's own
            r"(?i:\bgps\W{0,4}\d{1,3}[.,]\d|[?&#@/](?:s?ll=|q=|loc=|center=|[ds]addr=|@)?-?\d{1,3}\.\d{1,18}+(?:,|%2C)-?\d{1,3}\.\d)",
            r"\bgeo:[-+]?\d|\bgeo:\w{1,20}=",  # RFC 5870, machine tags
            r"\bgeo:(?:point|json)|\"coordinates\"|\b(?:MULTI)?(?:POINT|POLYGON|LINESTRING) ?Z?M? ?\(",
            r"(?i:\b(?:gps[ _]?)?(?:lati?|long?i?|lng|latitude|longitude)[\"']? ?[:=] ?[\"']?[-+]?\d)",
            r"(?i:(?:latitude|longitude)\W{0,5}\d)",  # also as Mapillary's "MAPLatitude": 56.1
            r"(?i:\bmaps?\.(?:google|apple|app|here|bing|yandex|me)\b|\bgoogle\.[a-z.]{2,6}/maps|\bgoo\.gl/maps)",
            r"(?i:\b(?:openstreetmap|osm)\.org\b|\bbing\.com/maps|\byandex\.[a-z.]{2,6}/maps|\bgeonames\.org/)",
            r"(?i:\bgeohack\b|\bplus\.codes/|\b(?:what3words\.com|w3w\.co)/|\bhere\.com/)|///\w{2,30}\.\w{2,30}\.\w{2,30}\b",
            r"(?<![\w+])[23456789CFGHJMPQRVWX]{8}\+[23456789CFGHJMPQRVWX]{2,7}\b",  # Plus Codes, in full
            r"(?<![\w+])(?=[2-9]{0,3}[CF-X])[2-9CFGHJMPQRVWX]{4}\+[2-9CFGHJMPQRVWX]{2,3}\b",  # and short: 9G8F+6W
            r"\b\d{1,2} ?[C-HJ-NP-X] ?[A-HJ-NP-Z]{2} ?\d{4,5} ?\d{4,5}\b",  # MGRS: 32V NH 12345 67890
            r"\b\d{1,2} ?[C-HJ-NP-X] \d{6}(?:\.\d{1,6})?[mE ]{1,3}\d{7}\b",  # UTM: 32V 574000 6220000
        ]
    )
)
_NUMBER: Final = r"[-+]?\d{1,3}\.\d{1,18}"
_NUMBERS: Final = re.compile(rf"(?<![\w.,;/-]){_NUMBER}°?(?: ?[,;/ ] ?[-+]?\d{{1,6}}(?:\.\d{{1,18}})?°?)+(?!\w|\.\d)")
_MARKUP_WORD: Final = re.compile(r"[<\s](?:[\w.-]{1,40}:)?([A-Za-z]\w{0,60})(?=[\s=/>])|>([^<>]{1,80})<")
_JSON_KEY: Final = re.compile(r"[\"'](\w{1,60})[\"']\s{0,9}:")
_FULL_WIDTH: Final = {0xFF01 + index: chr(0x21 + index) for index in range(94)}  # as Japanese is typed
_BASE64: Final = re.compile(r"[A-Za-z0-9+/=_\r\n-]{256,}")


def names_gps(name: str) -> bool:
    """Return whether a property of this local name (``GPSLatitude``, ``GpsLongitude``) holds a receiver's data."""
    return bool(_GPS_NAMES.fullmatch(name))


def names_place(name: str) -> bool:
    """Return whether a property of this local name (``stateProvince``, ``GPSLatitude``) holds a place."""
    words = _WORD.findall(name)
    return names_gps(name) or bool(_PLACE_NAMES.fullmatch(name)) or any(_PLACE_WORD.fullmatch(word) for word in words)


def is_of_places(namespace: str) -> bool:
    """Return whether all names of this namespace (its URI) tell a place."""
    return bool(_PLACE_NAMESPACES.search(namespace))


def holds_coordinates(text: str) -> bool:
    """Return whether coordinates, or a link to them, stand anywhere in ``text`` in a form that is nothing else."""
    return bool(_COORDINATES.search(_plain(text)))


def holds_decimal_pair(text: str) -> bool:
    """Return whether two decimals (with a third for the altitude) that can be degrees stand in ``text``."""
    plain = _plain(text)
    return any(_is_position(found[0], alone=found[0] == plain) for found in _NUMBERS.finditer(plain))


def _is_position(numbers: str, *, alone: bool) -> bool:
    parts = re.split(r" ?[,;/ ] ?", numbers.replace("°", ""))
    least_decimals = 2 if alone else 3
    return (
        len(parts) in {2, 3}
        and all(len(part.partition(".")[2]) >= least_decimals for part in parts[:2])
        and any(abs(float(one)) <= 90 and abs(float(other)) <= 180 for one, other in _both_orders(parts))
        and any(abs(float(part)) > 1 for part in parts[:2])  # else shares of a picture, or a place in the open sea
    )


def _both_orders(parts: list[str]) -> list[tuple[str, str]]:
    return [(parts[0], parts[1]), (parts[1], parts[0])]


def names_place_in_markup(text: str) -> bool:
    """Return whether XML in ``text`` (a tag, attribute or content) or JSON there (a key) names a place."""
    checked = text[:_LONGEST_CHECKED]
    tags = _MARKUP_WORD.findall(checked) if "<" in checked else []
    keys = _JSON_KEY.findall(checked) if "{" in checked else []
    return any(names_place(name or content.strip()) for name, content in tags) or any(map(names_place, keys))


def tells_place(text: str) -> bool:
    """Return whether a text that people write (a caption, a comment) tells a place by its form."""
    return holds_coordinates(text) or holds_decimal_pair(text) or names_place_in_markup(text)


def leads_to_place(keyword: str, separator: str) -> bool:
    """Return whether a keyword with the keywords above it (``Places|Denmark``) stands below one for places."""
    above = keyword.split(separator)[:-1]
    return any(names_place(word.strip().title()) for word in above)


def is_too_long(text: str) -> bool:
    """Return whether ``text`` is too long to be looked through to its end."""
    return len(text) > _LONGEST_CHECKED


def is_opaque(text: str) -> bool:
    """Return whether ``text`` is encoded data (a picture, a maker's log), or too long to be looked through."""
    return is_too_long(text) or bool(_BASE64.fullmatch(text.strip()))


def _plain(text: str) -> str:
    """Return the text with plain digits and single spaces; what stands in it counts, not how it is set."""
    return " ".join(text[:_LONGEST_CHECKED].translate(_FULL_WIDTH).split())
