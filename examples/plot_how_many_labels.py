"""
How many target labels are worth having?
========================================

``with_source`` binds the source; what is left is an ordinary estimator over labelled target rows, so that
scikit-learn's own learning curve answers the question.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import learning_curve

from landbridge import with_source
from landbridge.data import load_builtin
from landbridge.parameter import SourcePriorLogistic

source, target = load_builtin("tumours-small"), load_builtin("tumours-large")
scale = source.X.std(axis=0)
Xs, Xt = source.X / scale, target.X / scale

sizes = np.array([10, 20, 40, 80, 160])
for name, model in (
    ("with the source", with_source(SourcePriorLogistic(), Xs, source.y)),
    ("target alone", LogisticRegression(max_iter=5000)),
):
    n, _, scores = learning_curve(model, Xt, target.y, train_sizes=sizes, cv=4, shuffle=True, random_state=0)
    plt.plot(n, scores.mean(axis=1), marker="o", label=name)
plt.xlabel("labelled target rows")
plt.ylabel("accuracy")
plt.legend()
plt.show()
