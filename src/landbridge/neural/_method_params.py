"""Parameters of methods as parameters of the estimator that holds them: ``methods__0__strength``."""

from __future__ import annotations

from typing import Any, Self

from landbridge.exceptions import InputError
from landbridge.neural._method import Method

__all__ = ["HoldsMethods"]


class HoldsMethods:
    """Mixin of estimators with a parameter ``methods``: a search reaches each method, as it does a pipeline's steps.

    ``methods__0`` is the first method and ``methods__0__strength`` its strength.
    """

    methods: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of the estimator.

        Parameters
        ----------
        deep : bool, default=True
            Also return each method by its place, and the methods' own parameters.

        Returns
        -------
        dict of str to object
        """
        found: dict[str, Any] = super().get_params(deep=deep)  # type: ignore[misc]
        if deep and isinstance(self.methods, list | tuple):
            for i, method in enumerate(self.methods):
                if isinstance(method, Method):
                    found[f"methods__{i}"] = method
                    found |= {f"methods__{i}__{k}": v for k, v in method.get_params().items()}
        return found

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the estimator and of its methods.

        Parameters
        ----------
        **params : object
            ``methods`` replaces all methods, ``methods__0`` the first, ``methods__0__strength`` its strength.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If there is no method at that place.
        """
        own = {k: v for k, v in params.items() if not k.startswith("methods__")}
        super().set_params(**own)  # type: ignore[misc]
        # Whole methods first, so that parameters given beside one are set on it.
        for key in sorted(params.keys() - own.keys(), key=lambda k: k.count("__")):
            number, _, name = key.removeprefix("methods__").partition("__")
            held = list(self.methods) if isinstance(self.methods, list | tuple) else []
            if not number.isdecimal() or int(number) >= len(held):
                raise InputError(f"{key}: methods holds {len(held)} methods, numbered from 0; there is no such one.")
            if name:
                held[int(number)].set_params(**{name: params[key]})
            else:
                held[int(number)] = params[key]
                self.methods = type(self.methods)(held)
        return self
