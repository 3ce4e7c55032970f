"""Corrects XMP packets for the new picture. Owns which properties are removed; rejects document types and entities.

Only properties that would be wrong or unwanted are removed; prefixes, order and everything else stay as they were.
That is why this works on the document tree with its qualified names, and not with ElementTree, which renames
prefixes.
"""

from __future__ import annotations

import re
from typing import Final
from xml.dom import XMLNS_NAMESPACE, Node, minidom
from xml.parsers.expat import ExpatError

_LARGEST_BYTES: Final = 4_000_000  # a document tree takes a hundred times the packet's memory

_TIFF: Final = "http://ns.adobe.com/tiff/1.0/"
_EXIF: Final = "http://ns.adobe.com/exif/1.0/"
_PHOTOSHOP: Final = "http://ns.adobe.com/photoshop/1.0/"
_IPTC_CORE: Final = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
_IPTC_EXTENSION: Final = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"

#: Properties of the old file that are wrong for the new one: its size, its thumbnail, the rest of its long packet,
#: and the video or gain map that followed the photo.
_OUTDATED: Final = frozenset(
    {
        (_TIFF, "ImageWidth"),
        (_TIFF, "ImageLength"),
        (_EXIF, "PixelXDimension"),
        (_EXIF, "PixelYDimension"),
        (_EXIF, "ColorSpace"),
        (_PHOTOSHOP, "ICCProfile"),
        ("http://ns.adobe.com/xap/1.0/", "Thumbnails"),
        ("http://ns.adobe.com/xmp/note/", "HasExtendedXMP"),
        ("http://ns.google.com/photos/1.0/container/", "Directory"),
    }
)
_OUTDATED_NAMES: Final = re.compile(r"MicroVideo\w*|MotionPhoto\w*")

_LOCATION: Final = frozenset(
    {
        *((_PHOTOSHOP, name) for name in ("City", "State", "Country")),
        *((_IPTC_CORE, name) for name in ("Location", "CountryCode")),
        *((_IPTC_EXTENSION, name) for name in ("LocationCreated", "LocationShown")),
        *((_IPTC_EXTENSION, name) for name in ("City", "Sublocation", "ProvinceState", "WorldRegion")),
        *((_IPTC_EXTENSION, name) for name in ("CountryName", "CountryCode", "LocationName", "LocationId")),
        ("http://purl.org/dc/elements/1.1/", "coverage"),
    }
)
#: exif:GPSLatitude and the like in any namespace: drones write drone-dji:GpsLatitude.
_LOCATION_NAMES: Final = re.compile(r"GPS\w*|\w*(Latitude|Longitude)\w*", re.IGNORECASE)


def rewrite(packet: bytes, *, keep_location: bool) -> bytes | None:
    """Return the packet (UTF-8) with orientation 1 and without outdated properties; None if it can't be read safely.

    Properties are found as attributes and as elements, at any depth.
    """
    if len(packet) > _LARGEST_BYTES:
        return None
    try:
        document = _parse(packet)
        for element in list(document.getElementsByTagName("*")):
            _clean(document, element, keep_location)
        return "".join(node.toxml() for node in document.childNodes).encode("utf-8")
    except (ExpatError, ValueError, RecursionError):
        return None


def _parse(packet: bytes) -> minidom.Document:
    markup = packet.decode("utf-8-sig").rstrip("\0")
    if re.search(r"<!(?!--|\[CDATA\[)", markup):
        raise ValueError("document types and entities have no place in XMP")
    return minidom.parseString(markup)  # noqa: S318 - without a document type there are no entities to expand


def _clean(document: minidom.Document, element: minidom.Element, keep_location: bool) -> None:
    parent = element.parentNode
    if parent is not None and parent.nodeType == Node.ELEMENT_NODE and _is_unwanted(element, keep_location):
        parent.removeChild(element)
        return
    if (element.namespaceURI, element.localName) == (_TIFF, "Orientation"):
        element.childNodes[:] = [document.createTextNode("1")]
    for attribute in list(element.attributes.values()):
        if _is_unwanted(attribute, keep_location):
            element.removeAttributeNode(attribute)
        elif (attribute.namespaceURI, attribute.localName) == (_TIFF, "Orientation"):
            attribute.value = "1"


def _is_unwanted(node: minidom.Element | minidom.Attr, keep_location: bool) -> bool:
    name = node.localName or ""
    if node.namespaceURI == XMLNS_NAMESPACE:
        return False  # a prefix may be called gps, and others may use it
    if (node.namespaceURI, name) in _OUTDATED or _OUTDATED_NAMES.fullmatch(name):
        return True
    return not keep_location and bool(
        (node.namespaceURI, name) in _LOCATION or _LOCATION_NAMES.fullmatch(name),
    )
