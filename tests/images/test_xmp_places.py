"""Packets with places in all the ways in which XMP can hold them; :func:`rewrite` parses and writes them."""

import time

import pytest

from pipeline.images.xmp import rewrite
from tests.images.test_xmp import bag, kept, packet, rewritten

PLACES = [
    "exif:GPSLatitude",
    "exif:GPSAltitudeRef",
    "photoshop:City",
    "photoshop:State",
    "photoshop:Country",
    "Iptc4xmpCore:Location",
    "Iptc4xmpCore:CountryCode",
    "Iptc4xmpExt:LocationCreated",
    "Iptc4xmpExt:LocationShown",
    "dc:coverage",
    "gps:GpsLongitude",
    "gps:RelativeLatitude",
    "gps:AbsoluteAltitude",
    "dwc:country",
    "dwc:stateProvince",
    "dwc:municipality",
    "dwc:locality",
    "dwc:verbatimCoordinates",
    "dwc:Location",
    "Iptc4xmpCore:CiAdrCity",
    "pos:alt",
    "own:venue_name",
]


@pytest.mark.parametrize("name", PLACES)
def test_places_go_as_attributes_and_as_elements(name: str) -> None:
    for xmp in (
        packet(f'dc:format="image/jpeg" {name}="SECRET"'),
        packet('dc:format="image/jpeg"', f"<{name}>SECRET</{name}>"),
        packet('dc:format="image/jpeg"', f"<{name}><rdf:Bag><rdf:li>SECRET</rdf:li></rdf:Bag></{name}>"),
    ):
        clean = kept(xmp)
        assert "SECRET" not in clean
        assert 'dc:format="image/jpeg"' in clean
        assert "SECRET" in kept(xmp, keep_location=True)


def test_a_place_inside_of_a_structure_goes() -> None:
    shown = '<dc:x rdf:parseType="Resource"><Iptc4xmpExt:City>SECRET</Iptc4xmpExt:City><dc:y>fine</dc:y></dc:x>'
    clean = kept(packet(elements=shown))
    assert "SECRET" not in clean
    assert "fine" in clean


@pytest.mark.parametrize(
    "value", ["56,13.5N", "56.2231, 10.5712", "geo:56.2,10.5", "+48.8577+002.295/", "8FVC9G8F+6X"]
)
@pytest.mark.parametrize("name", ["own:a", "dc:description", "exif:UserComment"])
def test_what_looks_like_coordinates_goes_whatever_its_name(name: str, value: str) -> None:
    for xmp in (
        packet(f'dc:format="image/jpeg" {name}="at {value}"'),
        packet('dc:format="image/jpeg"', f"<{name}>{value}</{name}>"),
        packet('dc:format="image/jpeg"', bag(name, value)),
        packet('dc:format="image/jpeg"', f'<{name} rdf:resource="{value}"/>'),
    ):
        assert value not in kept(xmp)
        assert 'dc:format="image/jpeg"' in kept(xmp)
        assert value in kept(xmp, keep_location=True)


@pytest.mark.parametrize(
    "position",
    [
        bag("own:a", "56.2231", "10.5712"),
        '<own:a own:x="56.2231" own:y="10.5712"/>',
        '<own:a rdf:parseType="Resource"><own:x>56.2231</own:x><own:y>10.5712</own:y></own:a>',
    ],
)
def test_a_position_in_two_parts_goes(position: str) -> None:
    assert "56.2231" not in kept(packet('dc:format="fine"', position))
    assert 'dc:format="fine"' in kept(packet('dc:format="fine"', position))


def test_what_is_no_place_stays() -> None:
    attributes = (
        'dc:creator="Zoë Town" dc:rights="© 2019" xmp:CreateDate="2019-05-12T10:00:00+02:00" aux:Lens="24.0-70.0 mm" '
        'exif:SubjectLocation="100 200" photoshop:Headline="56 of 100" crs:Version="12.345, 20.123" '
    )
    elements = bag("crs:ToneCurve", "0.123, 0.456") + bag("dc:subject", "sunset") + bag("lr:weightedFlatSubject", "a")
    assert kept(packet(attributes, elements)) == kept(packet(attributes, elements), keep_location=True)


def test_a_comment_may_hold_anything() -> None:
    clean = kept(packet('dc:format="fine"', "<!-- SECRET --><?own SECRET?>"))
    assert "SECRET" not in clean
    assert clean.startswith("<?xpacket begin=")


def test_keywords_go_if_they_are_places() -> None:
    hierarchy = bag("lr:hierarchicalSubject", "Places|SECRET land|SECRET town", "People|Ada")
    flat = bag("dc:subject", "SECRET town", "secret LAND", "geo:lat=56.1", "SECRET city", "Ada", "sunset")
    clean = rewritten(packet('photoshop:City="SECRET City"', flat + hierarchy), places=frozenset({"from iptc"}))
    words = clean.packet.decode()
    assert "secret" not in words.lower()
    assert "geo:lat" not in words
    assert words.count("Ada") == 2
    assert "sunset" in words
    assert clean.places >= {"secret town", "secret land", "secret city", "from iptc"}


def test_a_region_that_is_a_place_goes_and_a_face_stays() -> None:
    face = '<rdf:Description mwg-rs:Name="Ada" mwg-rs:Type="Face"/>'
    landmark = '<rdf:Description mwg-rs:Name="SECRET"><mwg-rs:Type>Landmark</mwg-rs:Type></rdf:Description>'
    clean = kept(packet(elements=bag("mwg-rs:RegionList", face, landmark)))
    assert "SECRET" not in clean
    assert "Ada" in clean


def test_what_nobody_can_read_goes_and_is_told() -> None:
    clean = rewritten(packet(f'dc:format="fine" GImage:Data="{"iVBORw0K" * 40}"'))
    assert b"iVBORw0K" not in clean.packet
    assert clean.opaque == ("Data",)
    assert b'dc:format="fine"' in clean.packet


def test_a_root_of_another_name_is_looked_through() -> None:
    xmp = packet('dc:format="fine" photoshop:City="SECRET"').replace(b"adobe:ns:meta/", b"adobe.ns.meta/")
    assert "SECRET" not in kept(xmp)
    assert "fine" in kept(xmp)


def test_an_empty_packet_is_a_packet() -> None:
    assert rewrite(b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>', keep_location=False) is not None


def test_a_document_that_is_no_xmp_is_not_looked_through() -> None:
    assert rewrite(b"<gpx><a/></gpx>", keep_location=False) is None


@pytest.mark.parametrize("name", ["Places", "Orte"])
def test_keywords_below_places_go_from_a_tree_of_keywords(name: str) -> None:
    below = "<mwg-kw:Children><rdf:Bag><rdf:li mwg-kw:Keyword='{}'/></rdf:Bag></mwg-kw:Children>"
    as_attribute = f"<rdf:Description mwg-kw:Keyword='{name}'>{below.format('SECRET')}</rdf:Description>"
    as_element = f"<mwg-kw:Keyword>{name}</mwg-kw:Keyword>{below.format('SECRET')}"
    other = f"<rdf:li><rdf:Description mwg-kw:Keyword='Family'>{below.format('Ada')}</rdf:Description></rdf:li>"
    for item in (f"<rdf:li>{as_attribute}</rdf:li>", f"<rdf:li rdf:parseType='Resource'>{as_element}</rdf:li>"):
        tree = f"<mwg-kw:Hierarchy><rdf:Bag>{item}{other}</rdf:Bag></mwg-kw:Hierarchy>"
        clean = kept(packet(elements=tree + bag("dc:subject", "SECRET", "Ada")))
        assert "SECRET" not in clean
        assert "Ada" in clean


@pytest.mark.parametrize("second", ["own:b", "own:Up"])
def test_the_only_two_precise_decimals_of_an_unknown_namespace_go(second: str) -> None:
    for xmp in (
        packet(f'dc:format="fine" own:a="56.223145" {second}="10.571234" own:c="5"'),
        packet('dc:format="fine" own:c="5"', f"<own:a>56.223145</own:a><{second}>10.571234</{second}>"),
    ):
        clean = kept(xmp)
        assert "56.223145" not in clean
        assert "10.571234" not in clean
        assert 'own:c="5"' in clean


@pytest.mark.parametrize(
    "attributes",
    [
        'own:a="0.512345" own:b="0.412345"',
        'own:a="56.22" own:b="10.57"',
        'own:a="1.23456" own:b="2.34567" own:c="3.45678"',
        'GDepth:Near="0.512345" GDepth:Far="12.345678"',
        'aux:a="5.643856" aux:b="4.643856"',
    ],
)
def test_other_decimals_stay(attributes: str) -> None:
    assert attributes in kept(packet(attributes))


def test_a_document_nested_too_deep_is_refused() -> None:
    deep = "<own:a>" * 200 + "</own:a>" * 200
    assert rewrite(packet(elements=deep), keep_location=False) is None
    assert rewrite(packet(elements=deep), keep_location=True) is not None


@pytest.mark.parametrize(
    "elements",
    [
        "<own:City>" * 90 + "<own:x/>" * 12_000 + "</own:City>" * 90,
        "<rdf:li>" + "<mwg-kw:Keyword>City</mwg-kw:Keyword>" * 8_000 + "</rdf:li>",
        "<rdf:li>" + "<mwg-rs:Type>City</mwg-rs:Type>" * 8_000 + "</rdf:li>",
    ],
)
def test_many_places_take_no_longer_than_their_number(elements: str) -> None:
    xmp = packet(elements=elements)
    began = time.process_time()
    kept(xmp)
    assert time.process_time() - began < 3
