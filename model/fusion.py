"""The correlation-fusion module: the template's response, added to the search map."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import ModelConfig
from model.correlation import correlate_kept, depthwise_correlation, keep_template


class CorrelationFusion(nn.Module):
    """Correlate each channel of the search map with the template's, and add the response to it.

    Raw responses grow with the template's area and swamp the features, so they are divided by the
    area and (``norm``) normalised, starting at weight ``gain``.

    Args:
        channels: Channels of both maps.
        config: The network's fusion, template, norm and gain options.
        search_cells: Height and width H of the search map.
        template_cells: Height and width h of the template map.

    Shape:
        - x: (B, C, H, H) search features
        - template: `prepare` of the (B, C, h, h) or (1, C, h, h) template features
        - output: (B, C, H, H)
    """

    resize_matrix: Tensor

    def __init__(
        self, channels: int, config: ModelConfig, *, search_cells: int, template_cells: int
    ) -> None:
        super().__init__()
        self.search_cells = search_cells
        self.template_cells = template_cells
        self.fusion = config.fusion
        self.zero_mean = config.template == "zero_mean"
        self.norm: nn.Module = nn.Identity()
        if config.norm == "batch":
            self.norm = nn.BatchNorm2d(channels)
            nn.init.constant_(self.norm.weight, config.gain)
        if self.fusion == "resize":
            matrix = resize_matrix(search_cells - template_cells + 1, search_cells)
            self.register_buffer("resize_matrix", matrix, persistent=False)

    def forward(self, x: Tensor, template: Tensor) -> Tensor:
        """Return the search map with the response added."""
        if template.dim() == 5:  # kept as its transform
            response = correlate_kept(x, template, (self.template_cells, self.template_cells))
        else:
            response = depthwise_correlation(x, template)
        return x + self.place(self.norm(response.to(x.dtype)))

    def prepare(self, z: Tensor) -> Tensor:
        """Return the prepared template: centred, divided by its area, transformed.

        It is transformed if no gradient is needed and if the correlation uses the transform.
        """
        if self.zero_mean:
            z = z - z.mean(dim=(2, 3), keepdim=True)
        z = z / self.template_cells**2
        if torch.is_grad_enabled() and z.requires_grad:
            return z
        return keep_template(z, (self.search_cells, self.search_cells))

    def place(self, response: Tensor) -> Tensor:
        """Return the response on the grid of the search map."""
        if self.fusion == "resize":
            # "trilinear" with an unchanged channel axis is bilinear
            return resize(response, self.resize_matrix)
        # Offset r is the target's centre at cell r + (h // 2): 63 px is cell 21.67 of the stem's
        # grid (3 i - 2 px) and 10.83 of block 3's (6 i - 2 px), nearest to 22 of 44 and 11 of 22.
        missing = self.template_cells - 1
        before = self.template_cells // 2
        return F.pad(response, (before, missing - before, before, missing - before))


def resize_matrix(cells: int, size: int) -> Tensor:
    """Return the (size, cells) matrix that interpolates ``cells`` values linearly to ``size``."""
    return F.interpolate(torch.eye(cells)[None], size=size, mode="linear")[0].T.contiguous()


def resize(maps: Tensor, matrix: Tensor) -> Tensor:
    """Return (B, C, h, h) maps resized to (B, C, H, H) by a `resize_matrix`, channels innermost.

    It equals ``interpolate`` in mode bilinear, whose CUDA kernel gives one thread to each output
    cell and loops over batch and channels. The features have their channels innermost as well.
    """
    batch, channels, cells, _ = maps.shape
    rows = matrix @ maps.permute(0, 2, 3, 1).reshape(batch, cells, cells * channels)
    columns = matrix @ rows.view(batch, len(matrix), cells, channels)
    return columns.permute(0, 3, 1, 2)
