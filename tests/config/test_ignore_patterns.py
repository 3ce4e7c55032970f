from pipeline.config.ignore_patterns import is_ignored, is_pattern


def test_patterns_are_those_of_gitignore() -> None:
    assert is_ignored("a/b.tmp", ["*.tmp"])
    assert is_ignored("out/", ["/out/"])
    assert not is_ignored("keep.tmp", ["*.tmp", "!keep.tmp"])
    assert is_pattern("**/x/")
    assert not is_pattern("!")
    assert not is_pattern(7)
