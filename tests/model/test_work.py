from __future__ import annotations

from pipeline.model import Job


def test_a_job_names_its_recipe_only_if_it_is_not_the_default_one() -> None:
    assert str(Job("zoo/lion.jpg", "wave", "default")) == "zoo/lion.jpg × wave"
    assert str(Job("zoo/lion.jpg", "wave", "fine")) == "zoo/lion.jpg × wave (fine)"


def test_a_job_can_be_printed_whatever_its_photos_name() -> None:
    assert str(Job("caf\udce9.jpg", "wave", "default")).encode("utf-8")
