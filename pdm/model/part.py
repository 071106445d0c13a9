"""What the parts of a pipeline have in common: nets that diffusers saves and loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diffusers.configuration_utils import ConfigMixin
from diffusers.models.modeling_utils import ModelMixin

if TYPE_CHECKING:
    from typing_extensions import Self


class Part(ModelMixin, ConfigMixin):
    """A net with a `config`, the arguments of its constructor by name."""

    if TYPE_CHECKING:  # what diffusers adds while running, for those who read the types
        to: Any

        @property
        def config(self) -> Any: ...

        @classmethod
        def from_config(cls, config: Any = None, return_unused_kwargs: bool = False, **kwargs: Any) -> Self: ...

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> Self:
        """As in diffusers, but weights are read from safetensors alone, never from a pickle."""
        return super().from_pretrained(*args, **{**kwargs, "use_safetensors": True})
