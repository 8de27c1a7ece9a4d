"""The ground: mathematics that several methods share. Arrays in, arrays out; no estimators, no domains."""

from landbridge.numerics.covariance import covariance, matrix_power

__all__ = ["covariance", "matrix_power"]
