"""Speed: ours against the peers, same data, one run."""
