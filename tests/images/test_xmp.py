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
    'xmlns:mwg-kw="http://www.metadataworkinggroup.com/schemas/keywords/" '
    'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" '
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


def test_the_orientation_becomes_upright() -> None:
    assert 'tiff:Orientation="1"' in kept(packet('tiff:Orientation="6"'))
    assert "<tiff:Orientation>1</tiff:Orientation>" in kept(packet(elements="<tiff:Orientation>8</tiff:Orientation>"))


@pytest.mark.parametrize(
    "name", ["exif:PixelXDimension", "tiff:ImageWidth", "xmpNote:HasExtendedXMP", "GCamera:MicroVideoOffset"]
)
def test_what_is_only_true_of_the_old_file_goes(name: str) -> None:
    assert "OUTDATED" not in kept(packet(f'{name}="OUTDATED"'), keep_location=True)


@pytest.mark.parametrize("name", ["XResolution", "YResolution", "ResolutionUnit"])
def test_the_photo_s_pixels_an_inch_go_where_the_picture_has_its_own(name: str) -> None:
    for xmp in (packet(f'tiff:{name}="72/1"'), packet(elements=f"<tiff:{name}>72/1</tiff:{name}>")):
        assert "72/1" in kept(xmp, keep_location=True)
        clean = rewrite(xmp, keep_location=True, keep_density=False)
        assert clean is not None
        assert b"72/1" not in clean.packet


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
