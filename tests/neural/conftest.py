"""Shared by the tests of networks; all of them are skipped where torch is absent."""

import pytest

pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
pytest.importorskip("lightning_fabric", reason="networks need the extra landbridge[neural]")
