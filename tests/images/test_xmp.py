import pytest

from pipeline.images.xmp import Rewritten, rewrite

NAMESPACES = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:gps="http://www.dji.com/drone-dji/1.0/" '
    'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" '
    'xmlns:dwc="http://rs.tdwg.org/dwc/terms/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" '
    'xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:own="http://example.org/own/" '
    'xmlns:pos="http://www.w3.org/2003/01/geo/wgs84_pos#" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" '
    'xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" '
    'xmlns:GImage="http://ns.google.com/photos/1.0/image/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
)


def packet(attributes: str = "", elements: str = "", before: str = "") -> bytes:
    body = f'<rdf:RDF {NAMESPACES}><rdf:Description rdf:about="" {attributes}>{elements}</rdf:Description></rdf:RDF>'
    start, end = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>', '<?xpacket end="w"?>'
    return f'{before}{start}<x:xmpmeta xmlns:x="adobe:ns:meta/">{body}</x:xmpmeta>{end}'.encode()


def rewritten(xmp: bytes, keep_location: bool = False, places: frozenset[str] = frozenset()) -> Rewritten:
    clean = rewrite(xmp, keep_location=keep_location, places=places)
    assert clean is not None
    return clean


def kept(xmp: bytes, keep_location: bool = False) -> str:
    return rewritten(xmp, keep_location).packet.decode("utf-8")


def bag(name: str, *items: str) -> str:
    return f"<{name}><rdf:Bag>{''.join(f'<rdf:li>{item}</rdf:li>' for item in items)}</rdf:Bag></{name}>"


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


def test_a_document_that_is_no_xmp_is_not_looked_through() -> None:
    assert rewrite(b"<gpx><a/></gpx>", keep_location=False) is None


def test_the_orientation_becomes_upright() -> None:
    assert 'tiff:Orientation="1"' in kept(packet('tiff:Orientation="6"'))
    assert "<tiff:Orientation>1</tiff:Orientation>" in kept(packet(elements="<tiff:Orientation>8</tiff:Orientation>"))


@pytest.mark.parametrize(
    "name", ["exif:PixelXDimension", "tiff:ImageWidth", "xmpNote:HasExtendedXMP", "GCamera:MicroVideoOffset"]
)
def test_what_is_only_true_of_the_old_file_goes(name: str) -> None:
    assert "OUTDATED" not in kept(packet(f'{name}="OUTDATED"'), keep_location=True)


def test_prefixes_texts_and_the_packets_frame_stay() -> None:
    xmp = packet('dc:rights="© Zoë &amp; Co &lt;3"', "<dc:title><![CDATA[a < b]]></dc:title>")
    clean = kept(xmp, keep_location=True)
    assert 'dc:rights="© Zoë &amp; Co &lt;3"' in clean
    assert "a < b" in clean
    assert clean.startswith("<?xpacket begin=")
    assert clean.endswith('<?xpacket end="w"?>')
    assert 'xmlns:gps="http://www.dji.com/drone-dji/1.0/"' in kept(xmp)


@pytest.mark.parametrize(
    "xmp",
    [
        packet(before='<!DOCTYPE x [<!ENTITY a "aaaa">]>'),
        packet(before="<!ELEMENT x ANY>"),
        packet()[:-60],
        packet().decode().encode("utf-16"),
        b"\xff\xfe\xfd",
        b"no markup",
        packet(f'dc:format="{"x" * 4_000_000}"'),
        b"<a>" * 3000 + b"</a>" * 3000,
    ],
)
def test_packets_that_cannot_be_read_safely_are_refused(xmp: bytes) -> None:
    assert rewrite(xmp, keep_location=True) is None


def test_a_packet_too_large_to_be_searched_for_places_is_refused() -> None:
    xmp = packet(f'dc:format="{"x" * 1_000_000}"')
    assert rewrite(xmp, keep_location=False) is None
    assert rewrite(xmp, keep_location=True) is not None


def test_trailing_zeros_do_no_harm() -> None:
    assert kept(packet('dc:format="x"') + b"\0").endswith('<?xpacket end="w"?>')
