"""Reading fitted scikit-learn models from skops files; pickles are never opened."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from landbridge.data._files import existing
from landbridge.exceptions import InputError, ReadError, UntrustedModelError
from landbridge.fitted_models import check_fitted_model, is_fitted_model
from landbridge.trusted import check_trees, import_skops, trusted_types

__all__ = ["is_fitted_model", "is_fitted_model_file", "read_fitted_model"]

PICKLES = (".pkl", ".pickle", ".joblib", ".sav", ".cloudpickle", ".dill")


def is_fitted_model_file(path: Any) -> bool:
    """Check whether a path has the ending of a saved scikit-learn model, readable or refused.

    Parameters
    ----------
    path : object
        Anything; only text and paths can be one.

    Returns
    -------
    bool
        True for ``.skops``, and for pickles, which :func:`read_fitted_model` refuses with the remedy.

    Examples
    --------
    >>> from landbridge.data import is_fitted_model_file
    >>> is_fitted_model_file("model.skops"), is_fitted_model_file("table.csv")
    (True, False)
    """
    return isinstance(path, str | Path) and Path(path).suffix.lower() in (".skops", *PICKLES)


def read_fitted_model(path: str | Path) -> Any:
    """Read a fitted classifier or regressor from a ``.skops`` file that holds types of scikit-learn and NumPy only.

    Parameters
    ----------
    path : str or Path
        Written by ``skops.io.dump(model, path)``.

    Returns
    -------
    estimator
        Fitted, for example a ``Pipeline``.

    Raises
    ------
    ReadError
        If the file does not exist, is a pickle, or is damaged.
    UntrustedModelError
        If it holds a type of another library, or a function.
    InputError
        If what it holds is not a fitted classifier or regressor.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import skops.io
    >>> from sklearn.linear_model import LogisticRegression
    >>> from landbridge.data import read_fitted_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "model.skops"
    ...     skops.io.dump(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), file)
    ...     model = read_fitted_model(file)
    >>> model.predict([[2.0]]).tolist()
    [1]
    """
    path = Path(path)
    if path.suffix.lower() in PICKLES:
        raise ReadError(
            f"{path} is a pickle, which can run any code when it is opened; load it where you trust it and save it "
            'with skops.io.dump(model, "model.skops").'
        )
    if path.suffix.lower() != ".skops":
        raise ReadError(f'{path} is no skops file; save the model with skops.io.dump(model, "model.skops").')
    if existing(path).is_dir() or not zipfile.is_zipfile(path):
        raise ReadError(f"{path} is damaged: it is no skops file; save the model again with skops.io.dump.")
    data = path.read_bytes()
    try:
        model = import_skops().loads(data, trusted=trusted_types(data))
        check_trees(model)
    except UntrustedModelError as error:
        raise UntrustedModelError(f"{path}: {error}") from error
    except Exception as error:  # whatever is wrong inside the file becomes one line
        why = " ".join(str(error).split())[:160] or type(error).__name__
        raise ReadError(f"{path} cannot be read as a model ({why}); save it again with skops.io.dump.") from error
    try:
        return check_fitted_model(model, name="model")
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
