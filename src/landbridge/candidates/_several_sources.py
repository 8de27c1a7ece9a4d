"""Several labelled sources and one target: methods that weight sources against each other join the plan."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from landbridge.candidates._tables import Tables
from landbridge.problem._sides import Sides

__all__ = ["SeveralSources"]


class SeveralSources(Tables):
    """Source samples of several domains, identified by ``source_domain``."""

    name: ClassVar[str] = "several sources"
    clause: ClassVar[str] = "the source has several domains"
    order: ClassVar[int] = 80

    def recognises(self, sides: Sides) -> bool:
        """Return whether the source has two or more domains.

        Parameters
        ----------
        sides : Sides

        Returns
        -------
        bool
        """
        domains = sides.domains()[0].source_domain
        return domains is not None and len(np.unique(domains)) > 1
