import time

import pytest

from pipeline.images.places import (
    holds_coordinates,
    holds_decimal_pair,
    is_of_places,
    is_opaque,
    leads_to_place,
    names_place,
    names_place_in_markup,
)

COORDINATES = [
    "56 13 N 10 34 E",
    "56,13.5N",
    "56,13,30N",
    "+48.8577+002.295/",
    "+48.8577+002.2950+035.0/",
    "+4851+00217/",
    "geo:56.1,10.2",
    "geo:lat=56.1",
    "8FVC9G8F+6X",
    "near 9G8F+6W Zurich",
    "56.2231, 10.5712",
    "56.2231 10.5712 12",
    "10.5712,156.2231",
    "N 56°13.5' E 10°34.2'",
    "S33 51.5 E151 12.6",
    "56 deg 13' 30.00\" N",
    "56° 13′ 30″ N 10° 34′ E",
    "56º13'",
    "56.2231° N, 10.5712° E",
    "56.2231 North, 10.5712 East",
    "56°13'30\"n 10°34'12\"e",
    "56,2231; 10,5712",
    "56/1,13/1,305/10 10/1,34/1,12/1",
    "GPS: 56.2 10.5",
    "https://example.com/?ll=56.1,10.2",
    "https://example.com/@56.1,10.2,15z",
    "[10.5712,56.2231]",
    "N56.2231 E10.5712",
    "https://maps.google.com/?q=x",
    "https://www.google.de/maps/@x",
    "https://goo.gl/maps/x",
    "https://www.openstreetmap.org/node/1",
    "https://w3w.co/a.b.c",
    "///filled.count.soap",
    "32V NH 12345 67890",
    "32V 574000 6220000",
    '{"lat": 56.1, "lng": 10.2}',
    "Latitude 56.2",
    "POINT (10 56)",
    "seen at 56.2231,10.5712 today",
    "５６.２２３１, １０.５７１２",
    '{"MAPLatitude": 56.1}',
    "56,13.5 N, 10,34.2 E",
    "0561330N 0103412E",
    "56.2231° N",
    "W 10.5712",
    "https://example.com/?q=56.1234%2C10.1234",
]
NO_COORDINATES = [
    "2019-05-12T10:00:00+02:00",
    "2019:05:12 10:34:22",
    "EF24-70mm f/2.8L II USM",
    "24.0-70.0 mm",
    "24/1 70/1 28/10 28/10",
    "1.0, 2.0",
    "2.8, 4.0",
    "0.403125, 0.330598, 0.192188, 0.288394",
    "512.123, 300.456",
    "Nikon D5",
    "Adobe Photoshop 21.0 (Windows)",
    "Version 1.2.3",
    "45° angle",
    "1,024 2,048",
    "0.000218235, 1.20722e-6, -2.8676e-9",
    "GPS by Garmin",
    "12/1, 3/1",
    "https://example.com/v1.2,3",
    "5' 10\" tall",
    "1/250",
    "2015+22",
    "Serial 12345678+AB",
    "+49 30 123456",
    "uuid:1234-5678",
    "f/2.8 1/60 ISO 100",
    "low latitude forests",
    "100 N. Main",
    "(c) 2019 Zoë",
    "0.512345, 0.412345",
    "f 4.643856 s",
    "1.5 W",
]
PLACE_NAMES = (
    "country stateProvince municipality locality verbatimCoordinates Location City State ProvinceState CountryCode "
    "GPSLatitude CiAdrCity AbsoluteAltitude decimalLatitude higherGeography higherGeographyID waterBody islandGroup "
    "geodeticDatum footprintWKT shotLocation LocationShown RtkStdLon minimumElevationInMeters georeferencedBy "
    "WorldRegion LicensorRegion Sublocation spatial geohash COUNTRY_NAME venue_name GeoTagged locationID continent "
    "county plus_code LRFTargetAbsAlt BSSID ville based_near"
)
OTHER_NAMES = (
    "title creator rights Model Lens SerialNumber CreateDate RegionList DocumentState GeometricDistortionModel "
    "LongExposure Replacement format PersonInImage PersonDisplayName CiEmailWork Rating Palette plate Platform "
    "scientificName recordedBy Temperature AltTextAccessibility Default"
)


@pytest.mark.parametrize("text", COORDINATES)
def test_what_looks_like_coordinates_is_found(text: str) -> None:
    assert holds_coordinates(text) or holds_decimal_pair(text)


@pytest.mark.parametrize("text", NO_COORDINATES)
def test_other_numbers_are_no_coordinates(text: str) -> None:
    assert not holds_coordinates(text)
    assert not holds_decimal_pair(text)


def test_names_that_say_place_are_found() -> None:
    assert [name for name in PLACE_NAMES.split() if not names_place(name)] == []
    assert [name for name in OTHER_NAMES.split() if names_place(name)] == []


def test_namespaces_of_places_are_known_by_their_address() -> None:
    assert is_of_places("http://www.w3.org/2003/01/geo/wgs84_pos#")
    assert is_of_places("http://ns.exiftool.org/EXIF/GPS/1.0/")
    assert is_of_places("http://developer.sonyericsson.com/cell/1.0/")
    assert not is_of_places("http://ns.adobe.com/xap/1.0/")
    assert not is_of_places("http://purl.org/dc/elements/1.1/")


def test_markup_within_a_text_is_looked_through() -> None:
    assert names_place_in_markup('<a:fix gpsLatitude="1"/>')
    assert names_place_in_markup('<Category Assigned="1">Places<Category>Denmark</Category></Category>')
    assert not names_place_in_markup('<Category Assigned="1">People<Category>Ada</Category></Category>')
    assert not names_place_in_markup("a < b")
    assert names_place_in_markup('{"name": 1, "city": "Aarhus"}')
    assert not names_place_in_markup('{"name": "city"}')


@pytest.mark.parametrize("row", ["123.12 12.12 12.12 N ", "12,", "1 ", "12/1,12/1,", "1.1 ", "N 1 ", "12 deg 12 "])
def test_a_row_of_numbers_takes_no_longer_than_its_length(row: str) -> None:
    """88 microseconds a character once, which made 90 seconds of a megabyte."""
    text = (row * 20_000)[:20_000]
    began = time.process_time()
    holds_coordinates(text)
    holds_decimal_pair(text)
    assert time.process_time() - began < 0.6


def test_keywords_below_places_are_places() -> None:
    assert leads_to_place("Places|Denmark", "|")
    assert leads_to_place("Orte/Berlin", "/")
    assert not leads_to_place("Nature|Places", "|")
    assert not leads_to_place("People|Ada", "|")


def test_encoded_data_is_opaque() -> None:
    assert is_opaque("iVBORw0KGgo" * 40)
    assert is_opaque("word " * 5000)
    assert not is_opaque("A caption of many words. " * 40)
    assert not is_opaque("0123456789abcdef" * 4)
