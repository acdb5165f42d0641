{%- set regression = cookiecutter.task == "regression" -%}
"""The model: a small neural network with one hidden layer."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# No notes on the processor and the graph at every start; what fails is still raised. And sums
# in one order: oneDNN adds up as suits the processor.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
import tensorflow as tf

from . import features, params, target
from .data import Table

#: How the model is called in the server's description.
PLATFORM = "tensorflow"

#: What may be set under train.params in mlops.yaml, and what holds where it is not.
DEFAULTS: Mapping[str, Any] = {
    "epochs": 60,
    "rate": {% if regression %}0.003{% else %}0.005{% endif %},
    "hidden": {% if regression %}16{% else %}32{% endif %},
    "decay": {% if regression %}0.3{% else %}1.0{% endif %},
    "features": "all",
}
BATCH = 32


@dataclass(frozen=True)
class Model:
    """A fitted network, and what it takes{% if not regression %} and tells apart{% endif %}.

    `call` takes rows of shape (rows, numbers) and gives {% if regression %}the predicted numbers, shape (rows, 1){% else %}probabilities, shape (rows, classes){% endif %}.
    `network` is what can be saved; None for a model that was loaded.
    """

    call: Callable[[tf.Tensor], tf.Tensor]
    network: keras.Model | None
    encoder: features.Encoder
{%- if not regression %}
    classes: list[str]
{%- endif %}

    def predict(self, values: np.ndarray) -> dict[str, list[Any]]:
        """The outputs for encoded rows, shape (rows, numbers)."""
        found = self.call(tf.constant(values, dtype=tf.float32)).numpy()
{%- if regression %}
        return target.answer(found[:, 0])
{%- else %}
        return target.answer(found, self.classes)
{%- endif %}


def fit(table: Table, given: Mapping[str, Any], seed: int) -> Model:
    """Train on all rows of the table, on a GPU where TensorFlow finds one."""
    chosen = params.complete(given, DEFAULTS)
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    encoder = features.learn(table, chosen["features"])
    values = encoder.encode(table).astype("float32")
{%- if regression %}
    wanted = target.numbers(table)
    middle, spread = wanted.mean(), wanted.std() or 1.0
    wanted = (wanted - middle) / spread
{%- else %}
    classes = target.classes(table)
    wanted = target.labels(table, classes)
{%- endif %}
    rows = keras.Input((values.shape[1],))
    scale = keras.layers.Normalization(mean=values.mean(axis=0), variance=values.var(axis=0))
    hidden = keras.layers.Dense(chosen["hidden"], activation="relu")(scale(rows))
{%- if regression %}
    output = keras.layers.Dense(1)(hidden)
    loss = "mean_squared_error"
{%- else %}
    output = keras.layers.Dense(len(classes), activation="softmax")(hidden)
    loss = "sparse_categorical_crossentropy"
{%- endif %}
    network = keras.Model(rows, output)
    optimiser = keras.optimizers.AdamW(chosen["rate"], weight_decay=chosen["decay"])
    network.compile(optimizer=optimiser, loss=loss)
    network.fit(values, wanted, batch_size=BATCH, epochs=chosen["epochs"], verbose=0)
{%- if regression %}
    # What was learnt in units of the target's spread is given out in the target's own.
    network = keras.Model(rows, keras.layers.Rescaling(spread, offset=middle)(output))
    return Model(network, network, encoder)
{%- else %}
    return Model(network, network, encoder, classes)
{%- endif %}


def save(model: Model, folder: Path) -> None:
    """Write a model that was fitted into an existing folder, as a SavedModel."""
    if model.network is None:
        raise ValueError("a model that was loaded lies in its folder already")
    model.network.export(folder / "network", verbose=False)
    about = model.encoder.dump(){% if not regression %} | {"classes": model.classes}{% endif %}
    (folder / "model.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> Model:
    """Read a model.

    A SavedModel is a graph of TensorFlow's operations, and predicting runs them. It holds no
    Python, but some operations read and write files: load what your own pipeline has made.
    """
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    loaded = tf.saved_model.load(str(folder / "network"))

    def call(rows: tf.Tensor) -> tf.Tensor:
        return loaded.serve(rows)  # holds on to `loaded`, to which the weights belong

    return Model(call, None, features.restore(about){% if not regression %}, about["classes"]{% endif %})
