"""What was done to a prototype set, step by step: undo, redo, and back to any step."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pdm.editing.prototype_set import PrototypeSet
from pdm.support.checks import expect, is_whole

START = "Original"


@dataclass(frozen=True)
class EditHistory:
    """Every set that was made, with the sentence that says by which edit, and which of them is current.

    Histories of a session share their steps, and sets share the prototypes that no edit touched, so a new history
    copies references only. (A linked list would copy none, but pickle and == fail on one of ten thousand links.)
    """

    steps: tuple[tuple[str, PrototypeSet], ...]
    index: int = 0

    @classmethod
    def start(cls, prototypes: PrototypeSet, sentence: str = START) -> EditHistory:
        return cls(((sentence, prototypes),))

    @property
    def now(self) -> PrototypeSet:
        return self.steps[self.index][1]

    @property
    def entries(self) -> tuple[tuple[str, ...], int]:
        """The sentences of all steps, and which of them is the current one."""
        return tuple(sentence for sentence, _ in self.steps), self.index

    @property
    def done(self) -> tuple[str, ...]:
        """The sentences of the edits that made the current set."""
        return tuple(sentence for sentence, _ in self.steps[1 : self.index + 1])

    def do(self, sentence: str, prototypes: PrototypeSet) -> EditHistory:
        """Add a step; what was undone is dropped. A set equal to the current one is no step."""
        if prototypes == self.now:
            return self
        return EditHistory((*self.steps[: self.index + 1], (sentence, prototypes)), self.index + 1)

    def undo(self) -> EditHistory:
        """One step back; at the first one nothing."""
        return self.go_to(max(0, self.index - 1))

    def redo(self) -> EditHistory:
        """One step on; at the last one nothing."""
        return self.go_to(min(len(self.steps) - 1, self.index + 1))

    def go_to(self, index: int) -> EditHistory:
        """Make a step current, counted from 0; raises ValueError where there is none."""
        last = len(self.steps) - 1
        expect("index", index, f"a step from 0 to {last}", is_whole(index, 0, last))
        return self if index == self.index else replace(self, index=index)
