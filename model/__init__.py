"""DCFFNet and its baselines: backbones, correlation, fusion, heads, weights."""

from typing import TYPE_CHECKING

from commands.lazy import lazy_names

if TYPE_CHECKING:
    from model.config import ModelConfig
    from model.network import Network, build_model
    from model.weights import load_model, save_weights
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "ModelConfig": "model.config",
            "Network": "model.network",
            "build_model": "model.network",
            "load_model": "model.weights",
            "save_weights": "model.weights",
        },
    )

__all__ = ["ModelConfig", "Network", "build_model", "load_model", "save_weights"]
