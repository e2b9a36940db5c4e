#!/usr/bin/env python3
"""Writes tsne.json: clustered features and what scikit-learn's t-SNE makes of them.

Made with Python 3.11, NumPy 2.4.6, scikit-learn 1.9.1. Run it in this folder: python3 generate_tsne.py.
Tests read the result; they never run this script.

400 points of 32 features around ten centres, as eighths, so that few digits say them exactly. For each
start, scikit-learn's KL divergence and trustworthiness over 5 and 12 neighbours; a principal component
start is made by scikit-learn itself.
"""
import json

import numpy as np
from sklearn.manifold import TSNE, trustworthiness

POINTS, FEATURES, CLUSTERS = 400, 32, 10

generator = np.random.RandomState(7)
centres = generator.normal(scale=2, size=(CLUSTERS, FEATURES))
labels = np.arange(POINTS) % CLUSTERS
# Clusters of unequal spread, the last two of which overlap.
centres[-1] = centres[-2] + 0.3 * generator.normal(size=FEATURES)
spread = np.linspace(0.5, 1.5, CLUSTERS)[labels, None]
points = centres[labels] + spread * generator.normal(size=(POINTS, FEATURES))
points = (np.round(points * 8) / 8).astype(np.float32)


def embed(init, seed, perplexity):
    tsne = TSNE(init=init, random_state=seed, perplexity=perplexity)
    places = tsne.fit_transform(points)
    return {"init": init, "seed": seed, "perplexity": perplexity, "kl_divergence": float(tsne.kl_divergence_),
            "trustworthiness": {str(k): float(trustworthiness(points, places, n_neighbors=k)) for k in (5, 12)}}


runs = {f"{init}_{seed}_{perplexity}": embed(init, seed, perplexity)
        for init, seed, perplexity in [("pca", 0, 30), ("pca", 0, 10), ("random", 0, 30), ("random", 1, 30),
                                       ("random", 2, 30), ("random", 3, 30), ("random", 4, 30)]}
# Trustworthiness alone, of a projection that anybody can repeat: the first two features.
projection = {str(k): float(trustworthiness(points, points[:, :2], n_neighbors=k)) for k in (5, 12)}
golden = {"points": POINTS, "features": FEATURES, "eighths": [int(8 * value) for value in points.ravel()],
          "runs": runs, "projection_trustworthiness": projection}
with open("tsne.json", "w") as file:
    json.dump(golden, file)
    file.write("\n")
