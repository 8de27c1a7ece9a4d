"""``python -m benchmarks.layers``: which layers carry over? Yosinski's study on handwritten characters.

The task A is to tell characters of fifteen alphabets, the task B those of fifteen others; both are Omniglot's
background set at 28 x 28. Of each of B's characters eight drawings are learned from and twelve are judged on.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.fewshot import background
from landbridge.neural import LayerStudy, layer_study

FILE = Path(__file__).parent / "layers.json"
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "layers.svg"
Side = tuple[NDArray[np.float32], NDArray[np.intp]]


def main() -> None:
    """Run, print, keep the figures and draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--draw", action="store_true", help="only draw what was found before")
    given = parser.parse_args()
    if given.draw:
        held = json.loads(FILE.read_text())
        curves = {k: np.array(v) for k, v in held["curves"].items()}
        study = LayerStudy(tuple(held["stages"]), np.array(held["base"]), curves)
    else:
        A, B, test = sides()
        study = layer_study(A, B, test, epochs=given.epochs, seeds=range(given.seeds), batch_size=64)
        FILE.write_text(
            json.dumps(
                {
                    "stages": study.stages,
                    "base": study.base.tolist(),
                    "curves": {k: v.tolist() for k, v in study.curves.items()},
                },
                indent=1,
            )
            + "\n",
            encoding="utf-8",
        )
    print(study)
    study.plot(PICTURE)


def sides(n_classes: int = 60) -> tuple[Side, Side, Side]:
    """Characters of the first and of the last alphabets, so many of each.

    Parameters
    ----------
    n_classes : int, default=60

    Returns
    -------
    A, B, B_test : (X, y)
    """
    X, character, alphabet = background()
    rng = np.random.default_rng(0)
    alphabets = rng.permutation(np.unique(alphabet))
    out = []
    for part in (alphabets[:15], alphabets[15:]):
        known = np.unique(character[np.isin(alphabet, part)])
        rows = np.flatnonzero(np.isin(character, rng.permutation(known)[:n_classes]))
        out.append(rows)
    images = X.reshape(len(X), 28, 28)
    drawer = np.concatenate([np.arange(20)] * (len(X) // 20))
    a, b = out
    learn, judge = b[drawer[b] < 8], b[drawer[b] >= 8]
    return (images[a], character[a]), (images[learn], character[learn]), (images[judge], character[judge])


if __name__ == "__main__":
    main()
