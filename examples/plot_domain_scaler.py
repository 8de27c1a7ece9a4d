"""
The smallest transfer method
============================

The target measures the same things on another scale. Standardising each domain by itself is already transfer
learning, and the best first thing to try.
"""

import matplotlib.pyplot as plt
from sklearn.linear_model import LogisticRegression

from landbridge import make_pipeline
from landbridge.data import make_shift
from landbridge.feature import DomainScaler

source, target = make_shift("translation", random_state=0)
alone = LogisticRegression().fit(source.X, source.y)
scaled = make_pipeline(DomainScaler(), LogisticRegression()).fit(source.X, source.y, X_target=target.X)

print(f"source-only      {alone.score(target.X, target.y):.3f}")
print(f"domain by domain {scaled.score(target.X, target.y):.3f}")

# %%
# Before, the source's rule cuts through the target; after, both clouds lie on one another.

figure, axes = plt.subplots(1, 2, figsize=(8, 3.5), layout="constrained")
scaler = scaled[0]
pairs = (("before", source.X, target.X), ("after", scaler.transform_source(source.X), scaler.transform(target.X)))
for ax, (title, Xs, Xt) in zip(axes, pairs, strict=True):
    ax.scatter(*Xs.T, c="#0072B2", s=10, label="source")
    ax.scatter(*Xt.T, c="#E69F00", s=10, label="target")
    ax.set_title(title)
axes[0].legend()
plt.show()
