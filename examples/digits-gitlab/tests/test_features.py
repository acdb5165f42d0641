"""Numbers stay numbers, text becomes columns of its own, and what cannot be is refused."""

from pathlib import Path

import numpy as np
import pytest

from digits import data, features


def table(**columns: list[str]) -> data.Table:
    """Rows of these columns, as if they had been read."""
    rows = len(next(iter(columns.values())))
    return data.Table(Path("rows.csv"), list(range(2, rows + 2)), ["k"] * rows, columns, None)


SEEN = table(a=["1", "", "4", "3"], b=["x", "y", "y", "x"])


def test_numbers_and_texts_are_encoded() -> None:
    encoder = features.learn(SEEN, "all")
    assert encoder.inputs == {"a": "FP64", "b": "BYTES"}
    assert encoder.encode(SEEN).tolist() == [[1, 1, 0], [3, 0, 1], [4, 0, 1], [3, 1, 0]]


def test_a_text_that_was_not_seen_is_as_good_as_none() -> None:
    encoder = features.learn(SEEN, "all")
    assert encoder.encode(table(a=["2", "2"], b=["new", ""])).tolist() == [[2, 0, 0], [2, 0, 0]]


def test_rare_texts_are_passed_over_and_frequent_ones_are_bounded() -> None:
    texts = [f"t{number:03}" for number in range(60) for _ in range(2)] + ["rare"]
    encoder = features.learn(table(b=texts), "all")
    assert encoder.features[0].values == [f"t{number:03}" for number in range(features.VALUES)]


def test_an_encoder_survives_its_file() -> None:
    encoder = features.learn(SEEN, "all")
    assert features.restore(encoder.dump()) == encoder


def test_a_request_is_encoded_as_a_file_is() -> None:
    encoder = features.learn(SEEN, "all")
    assert np.array_equal(encoder.encode_request(SEEN.columns), encoder.encode(SEEN))


@pytest.mark.parametrize("cell", ["?", "nan", "1e999"])
def test_what_is_no_number_is_refused_with_its_place(cell: str) -> None:
    encoder = features.learn(SEEN, "all")
    with pytest.raises(ValueError, match=r"rows\.csv:3: a: .* is not a finite number"):
        encoder.encode(table(a=["1", cell], b=["x", "x"]))


def test_a_column_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match=r"no columns \['b'\]"):
        features.learn(SEEN, "all").encode(table(a=["1"]))


@pytest.mark.parametrize(
    ("wanted", "chosen"), [("all", ["a", "b", "c"]), (2, ["a", "b"]), ("c, a", ["c", "a"])]
)
def test_features_are_chosen(wanted: str | int, chosen: list[str]) -> None:
    assert features.choose(["a", "b", "c"], wanted) == chosen


@pytest.mark.parametrize("wanted", [0, 4, "nothing"])
def test_features_that_are_not_there_are_refused(wanted: str | int) -> None:
    with pytest.raises(ValueError, match="features: "):
        features.choose(["a", "b", "c"], wanted)
