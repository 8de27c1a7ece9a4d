"""Samples in memory: their digests."""

import torch

from landbridge.neural._samples import digest_of


def test_digests_do_not_depend_on_strides():
    plain = torch.arange(6.0, dtype=torch.float64).reshape(3, 2)
    assert digest_of(plain) == digest_of(plain.t().contiguous().t()) != digest_of(plain.t())
    one = torch.ones(1, dtype=torch.float64)
    assert digest_of(one.expand(4)) == digest_of(torch.ones(4, dtype=torch.float64))
    assert digest_of(one.as_strided((1,), (0,))) == digest_of(one)
