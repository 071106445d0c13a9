"""What the parts of a pipeline have in common: nets that diffusers saves and loads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffusers.configuration_utils import ConfigMixin
from diffusers.models.modeling_utils import ModelMixin

from pdm.model.packed import is_packed, read, unpacked

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
        """As in diffusers, but weights are read from safetensors alone, never from a pickle, and may be packed."""
        folder = Path(args[0] if args else kwargs["pretrained_model_name_or_path"], kwargs.get("subfolder") or "")
        if is_packed(folder):
            part = cls.from_config(cls.load_config(folder))
            part.load_state_dict(unpacked(read(folder)))
            return part.to(kwargs.get("torch_dtype")).eval()
        return super().from_pretrained(*args, **{**kwargs, "use_safetensors": True})
