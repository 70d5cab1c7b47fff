"""The measured models in PyTorch: the same layers, images with the channels first as PyTorch has them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def mlp(*widths: int) -> nn.Module:
    """Dense layers of these widths from 784 inputs, ReLU between them, ten logits."""
    layers: list[nn.Module] = []
    for before, after in zip((784, *widths), widths, strict=False):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 10))


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10),
    )  # fmt: skip


class Recurrent(nn.Module):
    """`kind` is nn.LSTM or nn.GRU, 128 units over 32 features."""

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        self.cell, self.head = kind(32, 128, batch_first=True), nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cell(x)[0][:, -1])


class Text(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(20000, 128)
        self.head = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.words(tokens).mean(1))


class Block(nn.Module):
    """An encoder block: attention of 4 heads, then a feed-forward part, each added and normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(64, 4, batch_first=True)
        self.feed = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64))
        self.norms = nn.ModuleList([nn.LayerNorm(64, eps=1e-6), nn.LayerNorm(64, eps=1e-6)])
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norms[0](x + self.dropout(self.attention(x, x, x, need_weights=False)[0]))
        return self.norms[1](x + self.dropout(self.feed(x)))


class Transformer(nn.Module):
    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.words = nn.Embedding(20000, 64)
        self.blocks = nn.Sequential(*(Block() for _ in range(blocks)))
        self.head = nn.Linear(64, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.blocks(self.words(tokens)).mean(1))


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.image, self.series = nn.Conv2d(3, 3, 3), nn.Conv1d(10, 3, 3)
        self.score, self.kind = nn.Linear(6, 1), nn.Linear(6, 5)

    def forward(self, image: Tensor, series: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.cat([self.image(image).amax((2, 3)), self.series(series).amax(2)], 1)
        return self.score(x), self.kind(x)


class WideDeep(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.deep = nn.Sequential(nn.Linear(6, 30), nn.ReLU(), nn.Linear(30, 30), nn.ReLU())
        self.head = nn.Linear(35, 1)

    def forward(self, wide: Tensor, deep: Tensor) -> Tensor:
        return self.head(torch.cat([wide, self.deep(deep)], 1))


def _convolve(channels: int, filters: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, filters, size, stride, size // 2, bias=False), nn.BatchNorm2d(filters)
    )


class Residual(nn.Module):
    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        stride = 1 if channels == filters else 2
        self.inner = nn.Sequential(_convolve(channels, filters, stride), nn.ReLU(), _convolve(filters, filters))
        self.shortcut = nn.Identity() if stride == 1 else _convolve(channels, filters, stride, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.shortcut(x) + self.inner(x))


def resnet_20() -> nn.Module:
    stages: Sequence[tuple[int, int]] = [(16, 16)] * 3 + [(16, 32), (32, 32), (32, 32), (32, 64), (64, 64), (64, 64)]
    return nn.Sequential(
        _convolve(3, 16), nn.ReLU(), *(Residual(*stage) for stage in stages),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
