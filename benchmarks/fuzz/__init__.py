"""Odd files and arguments, each of which must end in a right answer or in one clear line.

    python -m benchmarks.fuzz [--n 3000] [--seed 0] [--jobs 2] [--only KIND ...] [--case INDEX]

A case is made from its kind, its index and the seed alone. It fails if an exception other than a ``LandbridgeError``
leaves the library, if the message has several lines, if an answer is wrong or not finite, if a warning of another
library is shown, if it takes more than a minute, or if something of the caller's is changed: a file, an object, the
warning filters, a seed, the environment. Prints a table by kind and writes ``benchmarks/fuzz.json``.
"""
