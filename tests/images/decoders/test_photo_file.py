import io

from pipeline.images.decoders.photo_file import PhotoFile


def test_only_the_beginning_is_read_until_more_is_asked_for() -> None:
    stream = io.BytesIO(bytes(range(100)))
    file = PhotoFile(stream)
    assert file.head == bytes(range(32))
    assert stream.tell() == 32
    assert file.stream().tell() == 0
    assert file.data == bytes(range(100))
    assert PhotoFile.of(b"abc").data == b"abc"
