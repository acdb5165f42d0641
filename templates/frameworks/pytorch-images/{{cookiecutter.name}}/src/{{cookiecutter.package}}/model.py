"""The model: a small convolutional network."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from . import features, params, target
from .data import Table

# Without it, matrix products on a GPU differ from run to run. Read when the GPU is first used.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

#: How the model is called in the server's description.
PLATFORM = "pytorch"

#: What may be set under train.params in mlops.yaml, and what holds where it is not.
DEFAULTS: Mapping[str, Any] = {
    "epochs": 15,
    "rate": 0.003,
    "channels": 16,
    "decay": 0.05,
    "side": 8,
}
BATCH = 32


class Network(nn.Module):
    """Two layers of 3 x 3 filters, the image halved after each, and a logit for each class."""

    def __init__(self, side: int, channels: int, classes: int) -> None:
        """Takes images of `side` pixels each way; `channels` filters, then twice as many."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(channels, 2 * channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(2 * channels * (side // 4) ** 2, classes),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Shape (rows, side, side), black 0 and white 1, to (rows, classes)."""
        return self.layers(2 * images.unsqueeze(1) - 1)


@dataclass(frozen=True)
class Model:
    """A fitted network, and what it takes and tells apart."""

    network: Network
    encoder: features.Encoder
    classes: list[str]

    def predict(self, values: np.ndarray) -> dict[str, list[Any]]:
        """The outputs for encoded images, shape (rows, side, side)."""
        with torch.inference_mode():
            found = self.network(torch.from_numpy(values)).double().softmax(dim=1)
        return target.answer(found.numpy(), self.classes)


def fit(table: Table, given: Mapping[str, Any], seed: int) -> Model:
    """Train on all rows of the manifest, on a GPU where there is one."""
    chosen = params.complete(given, DEFAULTS)
    if chosen["side"] < 4:
        raise ValueError(f"side: {chosen['side']} is less than 4")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    # More gain nothing with a network this small, and would add up in another order.
    torch.set_num_threads(1)
    encoder = features.Encoder(chosen["side"])
    classes = target.classes(table)
    images = torch.from_numpy(encoder.encode(table)).to(device)
    wanted = torch.tensor(target.labels(table, classes), device=device)
    network = Network(chosen["side"], chosen["channels"], len(classes)).to(device)
    loss = nn.CrossEntropyLoss()
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=chosen["rate"], weight_decay=chosen["decay"]
    )
    for _ in range(chosen["epochs"]):
        for batch in torch.randperm(len(images)).to(device).split(BATCH):
            optimiser.zero_grad()
            loss(network(images[batch]), wanted[batch]).backward()
            optimiser.step()
    return Model(network.cpu().eval(), encoder, classes)


def save(model: Model, folder: Path) -> None:
    """Write the model into an existing folder: its weights, and what its network is built from."""
    save_file(model.network.state_dict(), folder / "weights.safetensors")
    about = model.encoder.dump() | {
        "channels": model.network.layers[0].out_channels,
        "classes": model.classes,
    }
    (folder / "model.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> Model:
    """Read a model. Its files hold numbers and names; nothing in them is run."""
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    network = Network(about["side"], about["channels"], len(about["classes"]))
    network.load_state_dict(load_file(folder / "weights.safetensors"))
    return Model(network.eval(), features.restore(about), about["classes"])
