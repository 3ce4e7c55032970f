import io

import pytest

from pipeline.intake.format_parsers import Incomplete, SizedFile


def test_a_file_that_shrinks_while_it_is_read_is_incomplete() -> None:
    with pytest.raises(Incomplete, match="shrank"):
        SizedFile(io.BytesIO(b"abc"), size=10).read(2, 4)
