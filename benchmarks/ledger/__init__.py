"""The fidelity ledger: published figures against ours, on the published protocols."""
