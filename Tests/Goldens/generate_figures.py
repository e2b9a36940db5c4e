#!/usr/bin/env python3
"""Writes figures.json: silhouettes and linear probes of scikit-learn on two groups of points.

Made with Python 3.11.7, NumPy 2.4.6 and scikit-learn 1.9.1. Run it in this folder: python3
generate_figures.py. Tests read the result; they never run this script. Points are multiples of 1/64, so that
text holds them exactly. Row i of each group is in fold i mod 5.
"""
import json

import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import balanced_accuracy_score, silhouette_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def case(seed, counts, dimensions, shift, constant=False):
    random = np.random.RandomState(seed)
    groups = [np.round((random.normal(size=(count, dimensions)) * np.arange(1, dimensions + 1) ** 0.5
                        + shift * group) * 64) / 64 for group, count in enumerate(counts)]
    if constant:
        for group in groups:
            group[:, 0] = 3
    points = np.concatenate(groups)
    labels = np.repeat([1, -1], counts)
    folds = PredefinedSplit(np.concatenate([np.arange(count) % 5 for count in counts]))
    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=1.0, class_weight="balanced"))
    scores = cross_val_predict(model, points, labels, cv=folds, method="decision_function")
    return {
        "columns": dimensions, "first": groups[0].ravel().tolist(), "second": groups[1].ravel().tolist(),
        "silhouette": float(silhouette_score(points, labels)), "scores": scores.tolist(),
        "balanced_accuracy": float(balanced_accuracy_score(labels, np.where(scores > 0, 1, -1))),
    }


golden = {
    "mixed": case(0, (37, 29), 6, 0),
    "close": case(1, (24, 41), 5, 1.2),
    "apart": case(2, (20, 20), 4, 9),
    "wide": case(3, (15, 12), 40, 0.7),
    "constant_column": case(4, (18, 25), 3, 1.5, constant=True),
}
with open("figures.json", "w") as file:
    json.dump(golden, file)
    file.write("\n")
