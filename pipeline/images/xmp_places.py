"""Removes from an XMP document what tells a place. Owns where in a document to look; the rules are in ``places``.

A property goes if its name or its namespace says place, or if its value looks like coordinates. In namespaces that
are known to hold none, numbers are numbers: a tone curve is no position. What nobody can read (encoded data) goes as
well. Keywords are the user's words: one goes only if it stands below "Places" or the like, holds coordinates, or
repeats a place that is named in a property of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.dom import XML_NAMESPACE, XMLNS_NAMESPACE, Node, minidom

from pipeline.images import places

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMPMETA: Final = "adobe:ns:meta/"
_TIFF: Final = "http://ns.adobe.com/tiff/1.0/"
_EXIF: Final = "http://ns.adobe.com/exif/1.0/"
_DUBLIN_CORE: Final = "http://purl.org/dc/elements/1.1/"
_REGIONS: Final = "http://www.metadataworkinggroup.com/schemas/regions/"
_KEYWORD_TREES: Final = "http://www.metadataworkinggroup.com/schemas/keywords/"
_DEVELOPMENT: Final = "http://ns.adobe.com/camera-raw-settings/1.0/"  # its masks are encoded, and show no place
_STRUCTURES: Final = "http://ns.adobe.com/xap/1.0/sType/"

_SYNTAX: Final = frozenset({_RDF, _XMPMETA, XML_NAMESPACE, XMLNS_NAMESPACE})
#: Namespaces whose numbers are known to be no coordinates, and whose names are no places but for the GPS ones.
_OF_NO_PLACES: Final = frozenset(
    {
        *_SYNTAX,
        *(_TIFF, _EXIF, _REGIONS),
        *("http://cipa.jp/exif/1.0/", "http://ns.adobe.com/exif/1.0/aux/", "http://ns.adobe.com/xmp/note/"),
        *("http://ns.adobe.com/xap/1.0/", "http://ns.adobe.com/xap/1.0/mm/", "http://ns.adobe.com/xap/1.0/rights/"),
        *(f"{_STRUCTURES}{name}#" for name in ("ResourceEvent", "ResourceRef", "Version", "Area", "Dimensions")),
        *("http://ns.adobe.com/xmp/sType/Area#", "http://ns.adobe.com/xap/1.0/g/"),
        *(_DEVELOPMENT, "http://ns.adobe.com/camera-raw-defaults/1.0/"),
        "http://ns.adobe.com/camera-raw-embedded-lens-profile/1.0/",
        *("http://ns.adobe.com/photoshop/1.0/camera-profile", "http://ns.adobe.com/hdr-gain-map/1.0/"),
        "http://ns.adobe.com/hdr-metadata/1.0/",
        *("http://ns.microsoft.com/photo/1.2/t/Region#", "http://ns.microsoft.com/photo/1.2/t/RegionInfo#"),
        *(f"http://ns.google.com/photos/1.0/{name}/" for name in ("panorama", "focus", "depthmap")),
        "http://ns.apple.com/faceinfo/1.0/",
    }
)
#: Texts among them that people write.
_FREE_TEXTS: Final = frozenset({(_TIFF, "ImageDescription"), (_EXIF, "UserComment"), (_REGIONS, "Name")})

#: How keywords with the keywords above them are written.
_SEPARATORS: Final = {
    **dict.fromkeys(("hierarchicalSubject", "CatalogSets", "HierarchicalKeywords"), "|"),
    **dict.fromkeys(("TagsList", "LastKeywordXMP", "LastKeywordIPTC"), "/"),
}
_KEYWORDS: Final = frozenset({*_SEPARATORS, "subject", "keywords", "Keywords"})

_Node = minidom.Element | minidom.Attr
_Properties = list[tuple[_Node, str]]

_PRECISE: Final = re.compile(r"[-+]?\d{1,3}\.\d{4,18}")
_DEEPEST: Final = 100  # elements in elements; with more, a small packet could take minutes


@dataclass(slots=True)
class Removed:
    """What was removed: the places named there (in small letters), and properties that could not be looked into."""

    places: set[str] = field(default_factory=set)
    opaque: set[str] = field(default_factory=set)


def remove_places(document: minidom.Document, named: frozenset[str]) -> Removed:
    """Remove from the document what tells a place, and keywords that repeat one (also those ``named`` elsewhere).

    Raises ValueError for a document that is no XMP.
    """
    root = document.documentElement
    if root is None or not (root.namespaceURI == _XMPMETA or document.getElementsByTagNameNS(_RDF, "RDF")):
        raise ValueError("the document is no XMP")
    removed = Removed(places=set(named))
    _remove_comments(document)
    _clean(root, removed)
    for item in document.getElementsByTagNameNS(_RDF, "li"):
        if _property_of(item)[1] in _KEYWORDS and _last_keyword(item) in removed.places:
            _remove(item)
    return removed


def _remove_comments(node: minidom.Document | minidom.Element) -> None:
    for child in list(node.childNodes):
        is_frame = child.nodeType == Node.PROCESSING_INSTRUCTION_NODE and child.nodeName == "xpacket"
        if child.nodeType in {Node.COMMENT_NODE, Node.PROCESSING_INSTRUCTION_NODE} and not is_frame:
            node.removeChild(child)
        elif isinstance(child, minidom.Element):
            _remove_comments(child)


def _clean(root: minidom.Element, removed: Removed) -> None:
    waiting = [(root, 1)]
    while waiting:
        element, depth = waiting.pop()
        if depth > _DEEPEST:
            raise ValueError("the document is nested too deep")
        properties = _properties(element)
        if _tells_place(element, _text(element), removed) or _is_position(element):
            _remove_place(element, removed)
        elif _are_of_place(properties):
            _remove_place(_list_item(element), removed)
        else:
            _clean_attributes(element, removed)
            for node in _position_among(properties):
                _remove(node)
            waiting += [(child, depth + 1) for child in reversed(_children(element))]


def _clean_attributes(element: minidom.Element, removed: Removed) -> None:
    for attribute in list(element.attributes.values()):
        if attribute.namespaceURI == XMLNS_NAMESPACE:
            continue  # a prefix may be called gps, and others may use it
        if _tells_place(attribute, attribute.value, removed):
            removed.places.add(attribute.value.strip().casefold())
            _remove(attribute)


def _properties(element: minidom.Element) -> _Properties:
    """Return the properties of a structure with their texts, in both ways in which XMP writes them."""
    properties: _Properties = [(attribute, attribute.value.strip()) for attribute in element.attributes.values()]
    return properties + [(child, _text(child)) for child in _children(element)]


def _tells_place(node: _Node, value: str, removed: Removed) -> bool:
    return _is_called_place(node) or (bool(value) and _value_tells_place(_property_of(node), value, removed))


def _is_position(element: minidom.Element) -> bool:
    """Return whether all that a structure or a list holds is a pair of decimals, one in each part."""
    parts = [attribute.value for attribute in element.attributes.values() if attribute.namespaceURI not in _SYNTAX]
    parts += [_text(child) for child in _children(element)]
    is_known = _property_of(element)[0] in _OF_NO_PLACES
    return not is_known and len(parts) in {2, 3} and places.holds_decimal_pair(", ".join(parts))


def _position_among(properties: _Properties) -> list[_Node]:
    """Return the only two properties of an unknown namespace that are precise decimals, if these can be degrees."""
    precise: dict[str, _Properties] = {}
    for node, value in properties:
        namespace = node.namespaceURI or ""
        if namespace not in _OF_NO_PLACES and _PRECISE.fullmatch(value):
            precise.setdefault(namespace, []).append((node, value))
    pairs = [pair for pair in precise.values() if len(pair) == 2]
    return [node for pair in pairs if places.holds_decimal_pair(f"{pair[0][1]}, {pair[1][1]}") for node, _ in pair]


def _are_of_place(properties: _Properties) -> bool:
    """Return whether these are a region of a place, or a keyword "Places" or the like with those below it."""
    named = {(node.namespaceURI, node.localName): value for node, value in properties}
    has_more = (_KEYWORD_TREES, "Children") in named
    keyword = named.get((_KEYWORD_TREES, "Keyword"), "") if has_more else ""
    return places.names_place(named.get((_REGIONS, "Type"), "")) or places.names_place(keyword.title())


def _is_called_place(node: _Node) -> bool:
    namespace, name = node.namespaceURI or "", node.localName or ""
    if namespace in _OF_NO_PLACES:
        return places.names_gps(name)
    return (
        (namespace, name) == (_DUBLIN_CORE, "coverage") or places.names_place(name) or places.is_of_places(namespace)
    )


def _value_tells_place(name: tuple[str, str], value: str, removed: Removed) -> bool:
    if places.is_opaque(value) and name[0] != _DEVELOPMENT:
        removed.opaque.add(name[1])
        return True
    separator = _SEPARATORS.get(name[1])
    if separator and places.leads_to_place(value, separator):
        removed.places |= {word.strip().casefold() for word in value.split(separator)}
        return True
    if places.holds_coordinates(value):
        return True
    is_known = name[0] in _OF_NO_PLACES and name not in _FREE_TEXTS
    return not is_known and (places.holds_decimal_pair(value) or places.names_place_in_markup(value))


def _list_item(node: minidom.Element) -> minidom.Element:
    """Return the list item that ``node`` is or stands in, ``node`` itself if there is none."""
    at: Node | None = node
    while isinstance(at, minidom.Element):
        if (at.namespaceURI, at.localName) == (_RDF, "li"):
            return at
        at = at.parentNode
    return node


def _property_of(node: _Node) -> tuple[str, str]:
    """Return namespace and name of the property whose value ``node`` is or stands in: ``dc:subject`` of an item."""
    at: Node | None = node
    while isinstance(at, minidom.Element | minidom.Attr) and at.namespaceURI == _RDF:
        at = at.ownerElement if isinstance(at, minidom.Attr) else at.parentNode
    named = at if isinstance(at, minidom.Element | minidom.Attr) else node
    return named.namespaceURI or "", named.localName or ""


def _remove_place(element: minidom.Element, removed: Removed) -> None:
    if element.parentNode is not None:  # else its words are known
        removed.places |= set(_words_of(element))
        _remove(element)


def _remove(node: _Node) -> None:
    if isinstance(node, minidom.Attr):
        if node.ownerElement is not None:
            node.ownerElement.removeAttributeNode(node)
        return
    parent = node.parentNode
    if parent is None:
        return  # it stood in what is gone already
    if parent.nodeType != Node.ELEMENT_NODE:
        raise ValueError("the whole document tells a place")
    parent.removeChild(node)


def _children(element: minidom.Element) -> list[minidom.Element]:
    return [child for child in element.childNodes if isinstance(child, minidom.Element)]


def _text(element: minidom.Element) -> str:
    return "".join(child.data for child in element.childNodes if isinstance(child, minidom.Text)).strip()


def _words_of(element: minidom.Element) -> Iterator[str]:
    for inner in [element, *element.getElementsByTagName("*")]:
        named = [attribute for attribute in inner.attributes.values() if attribute.namespaceURI not in _OF_NO_PLACES]
        values = [_text(inner), *(attribute.value.strip() for attribute in named)]
        yield from (value.casefold() for value in values if len(value) > 1 and not value.isdigit())


def _last_keyword(item: minidom.Element) -> str:
    separator = _SEPARATORS.get(_property_of(item)[1])
    keyword = _text(item)
    return (keyword.rpartition(separator)[2] if separator else keyword).strip().casefold()
