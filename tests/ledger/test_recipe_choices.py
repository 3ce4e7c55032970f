"""Which recipe was chosen for which picture."""

from __future__ import annotations

from pipeline.ledger.schema import SCHEMA_VERSION
from pipeline.model import Job

NAME = "not\udcffutf8.jpg"


def test_a_choice_is_of_one_picture_and_the_last_one_counts(house, another_house) -> None:
    one, other = Job(NAME, "night", "default"), Job("b.jpg", "night", "default")
    house.ledger.recipe_choices.choose([one, other], "mild")
    house.ledger.recipe_choices.choose([other], "wild")
    house.reopen()
    assert house.ledger.recipe_choices.all() == {one: "mild", other: "wild"}
    assert another_house.ledger.recipe_choices.all() == {}


def test_the_picture_s_own_recipe_undoes_it(house) -> None:
    job = Job("a.jpg", "night", "default")
    house.ledger.recipe_choices.choose([job], "mild")
    house.ledger.recipe_choices.choose([job], "default")
    assert house.ledger.recipe_choices.all() == {}


def test_without_a_choice_the_ledger_is_as_an_older_program_made_it(house) -> None:
    query = "SELECT name FROM sqlite_master WHERE name = 'recipe_choices'"
    assert house.ledger.recipe_choices.all() == {}
    assert house.ledger._store.connection.execute(query).fetchall() == []
    house.ledger.recipe_choices.choose([Job("a.jpg", "night", "default")], "mild")
    assert house.ledger._store.connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


def test_recipes_are_chosen_in_a_table_to_which_a_later_version_has_added_a_column(house) -> None:
    job = Job("a.jpg", "night", "default")
    house.ledger.recipe_choices.choose([job], "mild")
    with house.ledger._store.writing() as connection:
        connection.execute("ALTER TABLE recipe_choices ADD COLUMN later TEXT NOT NULL DEFAULT ''")
    house.ledger.recipe_choices.choose([job], "wild")
    assert house.ledger.recipe_choices.all() == {job: "wild"}


def test_only_choices_that_a_picture_is_wanted_by_count(house) -> None:
    assert house.ledger.recipe_choices.count() == 0
    house.pending("a.jpg")
    house.ledger.recipe_choices.choose([Job("a.jpg", "night", "other"), Job("b.jpg", "night", "other")], "default")
    assert house.ledger.recipe_choices.count() == 1
    house.want()
    assert house.ledger.recipe_choices.count() == 0
