"""Corrects XMP packets for the new picture. Owns which properties are outdated; rejects document types and entities.

Only properties that would be wrong or unwanted are removed; prefixes, order and everything else stay as they were.
That is why this works on the document tree with its qualified names, and not with ElementTree, which renames
prefixes.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from xml.dom import XMLNS_NAMESPACE, Node, minidom
from xml.parsers.expat import ExpatError

from pipeline.images.xmp_places import Removed, remove_places

_LARGEST_BYTES: Final = 4_000_000  # a document tree takes a hundred times the packet's memory
_LARGEST_SEARCHED_BYTES: Final = 1_000_000  # places are looked for during 5 seconds, 12 at worst

_TIFF: Final = "http://ns.adobe.com/tiff/1.0/"
_EXIF: Final = "http://ns.adobe.com/exif/1.0/"
_PHOTOSHOP: Final = "http://ns.adobe.com/photoshop/1.0/"

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
#: What a picture that is made for a sheet of paper says by itself.
_DENSITY: Final = frozenset({(_TIFF, "XResolution"), (_TIFF, "YResolution"), (_TIFF, "ResolutionUnit")})
_OUTDATED_NAMES: Final = re.compile(r"MicroVideo\w*|MotionPhoto\w*")


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A packet for the new picture, the places that what was removed named, and properties that nobody can read."""

    packet: bytes = b""
    places: frozenset[str] = frozenset()
    opaque: tuple[str, ...] = ()


def rewrite(
    packet: bytes, *, keep_location: bool, places: frozenset[str] = frozenset(), keep_density: bool = True
) -> Rewritten | None:
    """Return the packet (UTF-8) with orientation 1 and without outdated properties; None if it can't be read safely.

    Properties are found as attributes and as elements, at any depth. ``places``: names of places (in small letters)
    from elsewhere in the photo, which don't stay as keywords if the location is not kept. ``keep_density``: whether
    the photo's pixels an inch stay.
    """
    if len(packet) > (_LARGEST_BYTES if keep_location else _LARGEST_SEARCHED_BYTES):
        return None
    try:
        document = _parse(packet)
        outdated = _OUTDATED if keep_density else _OUTDATED | _DENSITY
        for element in list(document.getElementsByTagName("*")):
            _clean(document, element, outdated)
        removed = Removed() if keep_location else remove_places(document, places)
        markup = "".join(node.toxml() for node in document.childNodes)
        return Rewritten(markup.encode("utf-8"), frozenset(removed.places), tuple(sorted(removed.opaque)))
    except (ExpatError, ValueError, RecursionError):
        return None


def orientation(packet: bytes) -> int | None:
    """Return the packet's orientation, None if it tells none or can't be read safely."""
    if b"Orientation" not in packet or len(packet) > _LARGEST_BYTES:
        return None  # most packets, without a document tree
    with suppress(ExpatError, ValueError, RecursionError):
        document = _parse(packet)
        for element in document.getElementsByTagName("*"):
            text = element.getAttributeNS(_TIFF, "Orientation")
            if (element.namespaceURI, element.localName) == (_TIFF, "Orientation"):
                text = "".join(child.data for child in element.childNodes if isinstance(child, minidom.Text))
            if text:
                return int(text)
    return None


def _parse(packet: bytes) -> minidom.Document:
    markup = packet.decode("utf-8-sig").rstrip("\0")
    if re.search(r"<!(?!--|\[CDATA\[)", markup):
        raise ValueError("document types and entities have no place in XMP")
    return minidom.parseString(markup)  # noqa: S318 - without a document type there are no entities to expand


def _clean(document: minidom.Document, element: minidom.Element, outdated: frozenset[tuple[str, str]]) -> None:
    parent = element.parentNode
    if parent is not None and parent.nodeType == Node.ELEMENT_NODE and _is_outdated(element, outdated):
        parent.removeChild(element)
        return
    if (element.namespaceURI, element.localName) == (_TIFF, "Orientation"):
        element.childNodes[:] = [document.createTextNode("1")]
    for attribute in list(element.attributes.values()):
        if _is_outdated(attribute, outdated):
            element.removeAttributeNode(attribute)
        elif (attribute.namespaceURI, attribute.localName) == (_TIFF, "Orientation"):
            attribute.value = "1"


def _is_outdated(node: minidom.Element | minidom.Attr, outdated: frozenset[tuple[str, str]]) -> bool:
    name = node.localName or ""
    return node.namespaceURI != XMLNS_NAMESPACE and bool(
        (node.namespaceURI, name) in outdated or _OUTDATED_NAMES.fullmatch(name)
    )
