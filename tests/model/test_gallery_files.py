import pytest

from pipeline.model import gallery_files

SHA = "abcdef0123456789abcd" + "0" * 44


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (gallery_files.thumbnail_name, "thumbs/ab/abcdef0123456789abcd.webp"),
        (gallery_files.photo_copy_name, "photos/ab/abcdef0123456789abcd.webp"),
        (gallery_files.photo_thumbnail_name, "photos/ab/abcdef0123456789abcd-s.webp"),
        (gallery_files.painting_copy_name, "paintings/ab/abcdef0123456789abcd.webp"),
    ],
)
def test_copies_are_named_by_the_first_digits_of_their_originals_hash(name, expected):
    assert name(SHA) == name(SHA[:20]) == expected
    assert gallery_files.copied_hash(expected) == SHA[:20]


@pytest.mark.parametrize(
    "name",
    [
        "thumbs/cd/abcdef0123456789abcd.webp",
        "thumbs/ab/abcdef0123456789abcd.jpg",
        "gallery/thumbs/ab/abcdef0123456789abcd.webp",
        "live/0123456789abcdef0123456789abcdef.webp",
    ],
)
def test_what_no_copy_is_called_is_of_no_original(name):
    assert gallery_files.copied_hash(name) == ""


@pytest.mark.parametrize("no_hash", ["", "abc", "../../../../etc/passwd", "ABCDEF0123456789ABCD", "g" * 64])
def test_what_is_no_hash_names_no_file(no_hash):
    with pytest.raises(ValueError, match="SHA-256"):
        gallery_files.thumbnail_name(no_hash)


def test_a_picture_in_progress_is_named_by_its_token():
    assert gallery_files.live_name("5f1c-a_B") == "live/5f1c-a_B.webp"
    for no_token in ("", "../x", "a/b", "a.b", "a\n"):
        with pytest.raises(ValueError, match="token"):
            gallery_files.live_name(no_token)


@pytest.mark.parametrize(
    "path",
    [
        f"gallery/{gallery_files.thumbnail_name(SHA)}",
        f"painted/gallery/{gallery_files.photo_copy_name(SHA)}",
        f"a/b/gallery/{gallery_files.photo_thumbnail_name(SHA)}",
        f"gallery/{gallery_files.painting_copy_name(SHA)}",
        f"gallery/{gallery_files.live_name('0123456789abcdef' * 2)}",
    ],
)
def test_copies_are_known_by_their_names_wherever_a_gallery_is(path):
    assert gallery_files.is_copy(path)


@pytest.mark.parametrize(
    "path",
    [
        gallery_files.thumbnail_name(SHA),
        "gallery/a--night.webp",
        "gallery/thumbs/a--night.webp",
        "gallery/thumbs/cd/abcdef0123456789abcd.webp",
        "gallery/thumbs/ab/abcdef0123456789abcd.jpg",
        "gallery/thumbs/ab/abcdef0123456789abcd--night.webp",
        "mygallery/thumbs/ab/abcdef0123456789abcd.webp",
        "gallery/live/holiday.webp",
    ],
)
def test_pictures_in_a_folder_called_gallery_are_no_copies(path):
    assert not gallery_files.is_copy(path)
