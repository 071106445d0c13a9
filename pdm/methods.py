"""The methods that paint, and what tells them apart: one table, which everything else reads."""

from __future__ import annotations

from dataclasses import dataclass

from pdm.support.checks import shown


@dataclass(frozen=True)
class Method:
    """`name` is what requests, recipes and folders call it, `title` what charts do.

    `folders`: where its pipeline lies in a model's folder, the first one that is there; `classes`: of which class the
    pipeline may be.
    """

    name: str
    title: str
    folders: tuple[str, ...]
    classes: tuple[str, ...] = ("PDMPipeline",)
    conditioned: bool = True  # by something; else by the null condition
    retrieves: bool = False  # its condition comes from a memory; else from prototypes
    takes_set: bool = False  # prototypes can be named, and a visitor's edited set be used
    has_null: bool = True  # its net knows the null condition, which guidance needs
    redraws: bool = False  # another prototype at every step

    @property
    def has_own_prototypes(self) -> bool:
        """Whether it paints from prototypes that cannot be exchanged."""
        return self.conditioned and not self.retrieves and not self.takes_set


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("pdm", "PDM", ("pdm",), takes_set=True),
        Method("rdm", "RDM", ("rdm",), ("RDMPipeline",), retrieves=True),
        # A net that was trained without a condition is the fairer one; else it is the null branch of PDM's.
        Method(
            "unconditional",
            "Unconditional",
            ("unconditional", "pdm"),
            ("PDMPipeline", "RDMPipeline"),
            conditioned=False,
        ),
        Method("s-pdm", "s-PDM", ("s-pdm",)),
        Method("paper", "Published PDM", ("paper",), has_null=False, redraws=True),
    )
}


def method_of(name: object) -> Method:
    """The method of this name; raises ValueError for one that is not in the table."""
    if not isinstance(name, str) or name not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, got {shown(name)}")
    return METHODS[name]
