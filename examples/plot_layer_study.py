"""
Which layers carry over?
========================

The study of Yosinski and others on a small scale: a network that learned the digits 0 to 4 (task A) gives its first n
stages to one that learns 5 to 9 (task B). Frozen (AnB) they serve as long as they are general; tuned further (AnB+)
they can only help. BnB and BnB+ are controls that get their stages from another network of task B.
"""

import matplotlib.pyplot as plt
import numpy as np

from landbridge.data import load_builtin
from landbridge.neural import layer_study

digits = load_builtin("handwritten")
X, y = digits.X, np.asarray(digits.y)
a, b = np.flatnonzero(y < 5), np.flatnonzero(y >= 5)
few, rest = b[:60], b[60:]
study = layer_study(
    (X[a], y[a]), (X[few], y[few]), (X[rest], y[rest]), epochs=12, seeds=(0, 1), batch_size=16, image_shape=(8, 8)
)
print(study)

n = np.arange(1, len(study.stages) + 1)
for kind, marker in zip(("BnB", "BnB+", "AnB", "AnB+"), "osv^", strict=True):
    plt.plot(n, study.curves[kind].mean(axis=1), marker=marker, label=kind)
plt.axhline(study.base.mean(), color="0.5", linestyle=":", label="base B")
plt.xticks(n, study.stages)
plt.xlabel("stages carried over")
plt.ylabel("accuracy on B")
plt.legend()
plt.show()

# %%
# On handwritten characters
# -------------------------
#
# The same study on Omniglot, sixty characters a task, eight drawings each to learn B from, five seeds:
#
# .. image:: ../images/layers.svg
