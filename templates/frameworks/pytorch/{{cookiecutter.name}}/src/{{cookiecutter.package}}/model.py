{%- set regression = cookiecutter.task == "regression" -%}
"""The model: a small neural network with one hidden layer."""

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
    "epochs": 60,
    "rate": {% if regression %}0.003{% else %}0.005{% endif %},
    "hidden": {% if regression %}16{% else %}32{% endif %},
    "decay": {% if regression %}0.3{% else %}1.0{% endif %},
    "features": "all",
}
BATCH = 32


class Network(nn.Module):
    """Numbers scaled to one spread, a hidden layer, {% if regression %}and the predicted number{% else %}and a logit for each class{% endif %}."""

    def __init__(self, numbers: int, hidden: int{% if not regression %}, classes: int{% endif %}) -> None:
        """Takes rows of so many numbers."""
        super().__init__()
        self.register_buffer("middle", torch.zeros(numbers))
        self.register_buffer("spread", torch.ones(numbers))
{%- if regression %}
        self.register_buffer("target_middle", torch.zeros(()))
        self.register_buffer("target_spread", torch.ones(()))
{%- endif %}
        self.layers = nn.Sequential(
            nn.Linear(numbers, hidden),
            nn.ReLU(),
            nn.Linear(hidden, {% if regression %}1{% else %}classes{% endif %}),
        )

    def forward(self, values: torch.Tensor) -> torch.Tensor:
{%- if regression %}
        """Shape (rows, numbers) to (rows,), in units of the target's spread around its mean."""
        return self.layers((values - self.middle) / self.spread).squeeze(1)
{%- else %}
        """Shape (rows, numbers) to (rows, classes)."""
        return self.layers((values - self.middle) / self.spread)
{%- endif %}


@dataclass(frozen=True)
class Model:
    """A fitted network, and what it takes{% if not regression %} and tells apart{% endif %}."""

    network: Network
    encoder: features.Encoder
{%- if not regression %}
    classes: list[str]
{%- endif %}

    def predict(self, values: np.ndarray) -> dict[str, list[Any]]:
        """The outputs for encoded rows, shape (rows, numbers)."""
        with torch.inference_mode():
            found = self.network(torch.tensor(values, dtype=torch.float32))
{%- if regression %}
            found = found * self.network.target_spread + self.network.target_middle
        return target.answer(found.numpy())
{%- else %}
            found = found.double().softmax(dim=1)
        return target.answer(found.numpy(), self.classes)
{%- endif %}


def fit(table: Table, given: Mapping[str, Any], seed: int) -> Model:
    """Train on all rows of the table, on a GPU where there is one."""
    chosen = params.complete(given, DEFAULTS)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    # More gain nothing with a network this small, and would add up in another order.
    torch.set_num_threads(1)
    encoder = features.learn(table, chosen["features"])
    values = torch.tensor(encoder.encode(table), dtype=torch.float32, device=device)
{%- if regression %}
    wanted = torch.tensor(target.numbers(table), dtype=torch.float32, device=device)
    network = Network(values.shape[1], chosen["hidden"]).to(device)
    network.target_middle, network.target_spread = wanted.mean(), _spread(wanted)
    wanted = (wanted - network.target_middle) / network.target_spread
    loss = nn.MSELoss()
{%- else %}
    classes = target.classes(table)
    wanted = torch.tensor(target.labels(table, classes), device=device)
    network = Network(values.shape[1], chosen["hidden"], len(classes)).to(device)
    loss = nn.CrossEntropyLoss()
{%- endif %}
    network.middle, network.spread = values.mean(dim=0), _spread(values)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=chosen["rate"], weight_decay=chosen["decay"]
    )
    for _ in range(chosen["epochs"]):
        for batch in torch.randperm(len(values)).to(device).split(BATCH):
            optimiser.zero_grad()
            loss(network(values[batch]), wanted[batch]).backward()
            optimiser.step()
    return Model(network.cpu().eval(), encoder{% if not regression %}, classes{% endif %})


def _spread(values: torch.Tensor) -> torch.Tensor:
    """The standard deviation along the rows; 1 where they are all the same."""
    found = values.std(dim=0, correction=0)
    return torch.where(found > 0, found, torch.ones_like(found))


def save(model: Model, folder: Path) -> None:
    """Write the model into an existing folder: its weights, and what its network is built from."""
    save_file(model.network.state_dict(), folder / "weights.safetensors")
    about = model.encoder.dump() | {"hidden": model.network.layers[0].out_features}
{%- if not regression %}
    about["classes"] = model.classes
{%- endif %}
    (folder / "model.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> Model:
    """Read a model. Its files hold numbers and names; nothing in them is run."""
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    weights = load_file(folder / "weights.safetensors")
    encoder = features.restore(about)
{%- if regression %}
    network = Network(len(weights["middle"]), about["hidden"])
{%- else %}
    network = Network(len(weights["middle"]), about["hidden"], len(about["classes"]))
{%- endif %}
    network.load_state_dict(weights)
    return Model(network.eval(), encoder{% if not regression %}, about["classes"]{% endif %})
