"""The verbs: when to transfer, what to transfer from, and how."""
