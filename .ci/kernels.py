"""Print the OpenBLAS core types, beside the processor's own, that the numerical tests are repeated with."""

import sys
from pathlib import Path

# Which instructions the kernels of a core type need, most demanding first, as /proc/cpuinfo spells them.
NEEDS = {
    "SkylakeX": {"avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512cd", "fma"},
    "Haswell": {"avx2", "fma"},
    "Sandybridge": {"avx"},
    "Nehalem": {"sse4_2"},
}
HOW_MANY = 2


def instructions() -> set[str]:
    """Return the instruction sets of this processor; empty where they cannot be read."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return next((set(line.split(":")[1].split()) for line in lines if line.startswith("flags")), set())


def own(threadpools: list[dict]) -> set[str]:
    """Return the core types that OpenBLAS has chosen by itself."""
    return {str(pool.get("architecture")) for pool in threadpools}


def main() -> None:
    """Print the core types that run here; say on the standard error which do not."""
    import numpy  # noqa: F401 - loads OpenBLAS
    import threadpoolctl

    has = instructions()
    runs = [name for name, needs in NEEDS.items() if needs <= has]
    for name in NEEDS.keys() - set(runs):
        print(f"{name}: skipped, this processor lacks {', '.join(sorted(NEEDS[name] - has))}", file=sys.stderr)
    other = [name for name in runs if name not in own(threadpoolctl.threadpool_info())]
    print(*other[:HOW_MANY])


if __name__ == "__main__":
    main()
