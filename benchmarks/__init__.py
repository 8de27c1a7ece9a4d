"""Measurements anyone can repeat: the fidelity ledger and the speed table."""
