import os
import threading

import pytest

from pipeline.images.decoders.library_output import collected_output


def library_says(text: bytes) -> None:
    os.write(2, text)


def test_lines_of_a_library_are_collected_and_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    with collected_output() as lines:
        library_says(b"tempfile.tif: one\n\n  two \n")
    library_says(b"shown\n")
    assert lines == ["tempfile.tif: one", "two"]
    assert capfd.readouterr().err == "shown\n"


def test_a_few_lines_are_enough() -> None:
    with collected_output() as lines:
        library_says(b"again\n" * 1000)
    assert lines == ["again"] * 3


def test_decoders_at_work_at_once_share_the_stream(capfd: pytest.CaptureFixture[str]) -> None:
    first_is_done = threading.Event()
    second_has_begun = threading.Event()
    found: list[str] = []

    def second() -> None:
        with collected_output() as lines:
            second_has_begun.set()
            assert first_is_done.wait(10)
            library_says(b"of the second\n")
        found.extend(lines)

    with collected_output() as lines:
        library_says(b"of the first\n")
        thread = threading.Thread(target=second)
        thread.start()
        assert second_has_begun.wait(10)
    first_is_done.set()
    thread.join()
    assert lines == ["of the first"]
    assert found == ["of the second"]
    assert capfd.readouterr().err == ""


def test_the_stream_is_given_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="decoder"), collected_output():
        raise ValueError("decoder")
    library_says(b"shown\n")
    assert capfd.readouterr().err == "shown\n"


def test_without_a_stream_nothing_is_collected() -> None:
    saved = os.dup(2)
    os.close(2)
    try:
        with collected_output() as lines:
            pass
        assert lines == []
    finally:
        os.dup2(saved, 2)
        os.close(saved)
