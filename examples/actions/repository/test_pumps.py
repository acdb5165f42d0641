"""What has to hold before anything is trained: python -m unittest."""

import unittest

import pumps


class Pumps(unittest.TestCase):
    """The model in words and numbers."""

    def test_more_hours_are_worse(self) -> None:
        model = {"means": [5.0, 6.0], "weights": [1.0, 0.5], "bias": 0.0}
        self.assertGreater(pumps.score(model, [8.0, 6.0]), pumps.score(model, [2.0, 6.0]))

    def test_even_chances_are_called_failed(self) -> None:
        self.assertEqual((pumps.tell(0.5), pumps.tell(0.49)), ("failed", "sound"))


if __name__ == "__main__":
    unittest.main()
