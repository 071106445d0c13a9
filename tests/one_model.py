"""A library of a single model that is there already."""

from pathlib import Path

from pdm.app.studio import Studio


class OneModel:
    def __init__(self, studio: Studio):
        self.studio, self.names, self.default, self.assets = studio, [studio.name], studio.name, Path("none")

    def get(self, name: str | None = None) -> Studio:
        if name not in (None, self.studio.name):
            raise ValueError(f"model: expected one of {self.studio.name}, got {name!r}")
        return self.studio

    def loaded(self, name: object) -> Studio | None:
        return self.studio if name == self.studio.name else None
