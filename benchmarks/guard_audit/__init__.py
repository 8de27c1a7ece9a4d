"""How often the guard is wrong: pairs of domains whose target labels only score what it chose."""
