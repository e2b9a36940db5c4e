#!/usr/bin/env python3
"""Writes random.json: draws of NumPy's legacy generator and of Python's random module.

Made with Python 3.11.7, NumPy 2.4.6. Run it in this folder: python3 generate_random.py. Tests read the
result; they never run this script. A long draw is kept as its first numbers and a checksum: the sum of
(place + 1) * number.
"""
import json
import random

import numpy as np


def row(seed, n, count, drawn):
    drawn = [int(number) for number in drawn]
    return {"seed": seed, "n": n, "count": count, "first": drawn[:12],
            "checksum": sum((place + 1) * number for place, number in enumerate(drawn))}


def numpy_choice(seed, n, count):
    np.random.seed(seed)
    return row(seed, n, count, np.random.choice(n, count, replace=False))


def python_sample(seed, n, count):
    random.seed(seed)
    return row(seed, n, count, random.sample(range(n), count))


golden = {
    "numpy_choice": [numpy_choice(*case) for case in [
        (0, 1, 1), (0, 2, 2), (0, 10, 10), (1, 10, 3), (42, 1000, 300), (0, 50000, 5000), (0, 50000, 500),
        (4294967295, 49000, 4900), (7, 5000, 0), (3, 256, 256), (3, 257, 257)]],
    "python_sample": [python_sample(*case) for case in [
        (0, 1, 1), (0, 21, 5), (0, 22, 5), (0, 30, 6), (1, 85, 6), (1, 86, 6), (0, 1000, 200), (0, 50000, 1000),
        (42, 50000, 2500), (-5, 100, 100), (2 ** 40 + 3, 100, 7), (0, 0, 0), (9, 1045, 85), (9, 1046, 85)]],
}
with open("random.json", "w") as file:
    json.dump(golden, file, indent=1)
    file.write("\n")
