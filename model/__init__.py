"""DCFFNet and its baselines: backbones, correlation, fusion, heads, weights."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model.config import ModelConfig
    from model.network import Network, build_model
    from model.weights import load_model, save_weights
else:
    _MODULES = {
        "ModelConfig": "model.config",
        "Network": "model.network",
        "build_model": "model.network",
        "load_model": "model.weights",
        "save_weights": "model.weights",
    }

    def __getattr__(name: str) -> Any:
        """Import a public name at its first use: torch takes seconds."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)


__all__ = ["ModelConfig", "Network", "build_model", "load_model", "save_weights"]
