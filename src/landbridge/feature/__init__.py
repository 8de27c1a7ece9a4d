"""Feature methods bring source and target into one space, where a plain learner then works for both.

Reach for them when the same thing is measured differently in both places: rescaled, rotated, through another camera.
They can hurt when class proportions differ, because aligning the rows then mixes the classes.
"""

from landbridge.feature._coral import CORAL, coral_map

__all__ = ["CORAL", "coral_map"]
