from pipeline.images.exif_layout import Room


def test_room_before_the_note_is_given_out_first() -> None:
    room = Room(note_offset=100, note_bytes=51)
    assert [room.take(size) for size in (40, 7, 40, 60, 3)] == [8, 48, 56, 152, 96]
    assert room.take(2) == 212
    assert len(room.data) == 214


def test_pieces_begin_at_even_offsets_and_the_note_where_it_must() -> None:
    room = Room(note_offset=11, note_bytes=4)
    assert room.take(3) == 8
    assert room.take(1) == 16
    room.put(11, b"note")
    room.put(16, b"x")
    assert bytes(room.data) == bytes(11) + b"note" + bytes(1) + b"x" + bytes(1)


def test_a_note_right_after_the_header_leaves_no_room_before_it() -> None:
    assert Room(note_offset=8, note_bytes=5).take(2) == 14
