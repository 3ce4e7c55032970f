"""A workshop in two styles, and what 'clean' finds and deletes there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.config.settings import folder_settings, ingest_settings
from pipeline.ledger import Ledger, ledger_exists
from pipeline.runner.cleaning.deletion import Deleted, Deletion
from pipeline.runner.cleaning.survey import Survey, survey
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.preparation import ledger_file, resolve_config
from tests.fakes import write_photo
from tests.runner.trial.trying import tried
from tests.workshop import CONFIG, Workshop

NIGHT = "  - {name: night, painting: night.jpg}\n"
DAY = "  - {name: day, painting: night.jpg, scale: 0.5}\n"
TWO_STYLES = CONFIG.replace(NIGHT, NIGHT + DAY)
SNAPSHOTS = "snapshot_every: 1"


class TwoStyles(Workshop):
    """Photos a, b, ... with pictures in the styles night and day, of which day is no longer asked for."""

    def make(self, *photos: str, text: str = TWO_STYLES) -> None:
        """Make the pictures in both styles; then leave the config with only the first."""
        for number, name in enumerate(photos):
            self.photo(name, shade=number)
        self.text = text
        assert self.run().finished > 0
        self.text = self.text.replace(DAY, "")

    def try_out(self, photo: str = "sea.png", text: str = TWO_STYLES, folder: str = "", *more: str) -> None:
        """Try photos as 'try' does, several of them into a folder of the time."""
        before, self.text = self.text, text
        paths = [write_photo(self.folder / "elsewhere" / name) for name in (photo, *more)]
        tried(self, paths, self.out / "try" / (folder or paths[0].stem))
        self.text = before

    def ingest(self, ledger: Ledger) -> None:
        config = self.config()
        ingest(ingest_settings(config), resolve_config(config), ledger, sleep=lambda _: None)

    def survey(self) -> Survey:
        config = self.config()
        folders = folder_settings(config)
        has_ledger = ledger_exists(ledger_file(folders))
        return survey(folders, ingest_settings(config), resolve_config(config), has_ledger=has_ledger)

    def delete(
        self, found: Survey | None = None, unlink: Callable[[Path], None] = Path.unlink, batch: int = 100
    ) -> Deleted:
        return Deletion(self.out, unlink, batch).run(found or self.survey(), self.ledger)

    def found(self) -> list[str]:
        return sorted(
            file.path.relative_to(self.out).as_posix() for f in self.survey().by_kind().values() for file in f
        )

    def images(self) -> list[str]:
        return [name for name in self.pictures() if name.endswith(".jpg")]
