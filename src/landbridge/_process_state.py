"""What belongs to the whole process: warnings and threads of numerical libraries, changed for a while and restored.

:func:`warnings.catch_warnings` replaces the filters of all threads: of two threads, the one that leaves last restores
what the other had set. The functions of this module may be used in several threads at once.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

__all__ = ["Seen", "one_thread", "quiet", "recorded_warnings", "restored_filters"]


class Seen(NamedTuple):
    """A warning that was raised.

    Parameters
    ----------
    category : type
    message : str
    """

    category: type[Warning]
    message: str


class _Block(NamedTuple):
    """A block of one thread that takes warnings."""

    categories: tuple[type[Warning], ...]
    seen: list[Seen] | None


class _Here(threading.local):
    """Blocks of this thread, the innermost last, and the text of the warning that is being looked at."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        self.text: str | None = None


class _Text:
    """In the place of a pattern of a filter: matches every text in a thread that is in a block."""

    pattern = ""

    def match(self, text: str, *_: Any) -> Any:
        _HERE.text = text
        return self if _HERE.blocks else None

    def __reduce__(self) -> str:
        return "_TEXT"


class _Taken(type):
    """In the place of a category of a filter: a superclass of what a block of this thread takes."""

    def __subclasscheck__(cls, category: type) -> bool:
        if not _HERE.blocks:
            return False
        text, _HERE.text = _HERE.text, None
        if text is None:
            _complete(warnings.filters)
            return False
        for block in reversed(_HERE.blocks):
            if issubclass(category, block.categories):
                if block.seen is not None:
                    block.seen.append(Seen(category, text))
                return True
        return False


class _TakenHere(Warning, metaclass=_Taken):
    pass


_HERE = _Here()
_TEXT = _Text()
# One entry of `warnings.filters` for all blocks of all threads. Where no block is, it matches nothing.
_ENTRY: Any = ("ignore", _TEXT, _TakenHere, None, 0)
_LOCK = threading.RLock()
# Lists that hold the entry, and how many blocks there are.
_LISTS: list[Any] = []
_COUNT = 0


def _complete(filters: Any) -> None:
    """Add the entry after a copy that has no pattern: scikit-learn copies filters that way for its parallel calls."""
    copies = [i for i, f in enumerate(filters) if f[2] is _TakenHere and f[1] is not _TEXT]
    if copies and not any(f is _ENTRY for f in filters):
        filters.insert(copies[-1] + 1, _ENTRY)


@contextmanager
def quiet(*categories: type[Warning]) -> Iterator[None]:
    """Do not show warnings that this thread raises in the block.

    Parameters
    ----------
    *categories : type
        Kinds of warnings; all if none is given.

    Yields
    ------
    None

    Examples
    --------
    >>> import warnings
    >>> from landbridge._process_state import quiet
    >>> before = list(warnings.filters)
    >>> with quiet(UserWarning):
    ...     warnings.warn("not shown")
    >>> warnings.filters == before
    True
    """
    with _block(_Block(categories or (Warning,), None)):
        yield


@contextmanager
def recorded_warnings() -> Iterator[list[Seen]]:
    """Record the warnings that this thread raises in the block, instead of showing them.

    Yields
    ------
    list of Seen
        Filled as they are raised, repeated ones as well.

    Examples
    --------
    >>> import warnings
    >>> from landbridge._process_state import recorded_warnings
    >>> with recorded_warnings() as seen:
    ...     warnings.warn("slow")
    >>> [w.message for w in seen]
    ['slow']
    """
    seen: list[Seen] = []
    with _block(_Block((Warning,), seen)):
        yield seen


@contextmanager
def _block(block: _Block) -> Iterator[None]:
    global _COUNT
    with _LOCK:
        _COUNT += 1
        _insert()
    _HERE.blocks.append(block)
    try:
        yield
    finally:
        _HERE.blocks.remove(block) if block.seen is None else _remove_recorder(block)
        with _LOCK:
            _COUNT -= 1
            if _COUNT == 0:
                _remove()


def _remove_recorder(block: _Block) -> None:
    """By identity: recorders that have seen the same are equal."""
    _HERE.blocks[:] = [b for b in _HERE.blocks if b is not block]


def _insert() -> None:
    """Make the entry the first of the filters that are in force, which may be those of someone's `catch_warnings`."""
    filters: Any = warnings.filters
    if not filters or filters[0] is not _ENTRY:
        filters.insert(0, _ENTRY)
        if not any(known is filters for known in _LISTS):
            _LISTS.append(filters)
    _forget_shown()


def _remove() -> None:
    for filters in (*_LISTS, warnings.filters):
        filters[:] = [f for f in filters if f is not _ENTRY]
    _LISTS.clear()
    _forget_shown()


def _forget_shown() -> None:
    """Let each module's record of the warnings it has shown be renewed, as a change of the filters does."""
    getattr(warnings, "_filters_mutated", bool)()


class _Run:
    """Calls that run at once in several threads, and the filters before the first of them."""

    def __init__(self) -> None:
        self.threads: dict[int, int] = {}
        self.overlapped = False
        self.filters: Any = None
        self.before: list[Any] = []
        self.shown: tuple[Any, ...] = ()


_RUN = _Run()


@contextmanager
def restored_filters() -> Iterator[None]:
    """Restore the warning filters after calls that ran at once in several threads.

    Libraries below use :func:`warnings.catch_warnings`, which leaves the filters of one thread behind where threads
    overlap. Where they did, the last call to end restores what was in force before the first.

    Yields
    ------
    None
    """
    me = threading.get_ident()
    with _LOCK:
        if not _RUN.threads:
            _RUN.overlapped, _RUN.filters = False, warnings.filters
            _RUN.before, _RUN.shown = [f for f in warnings.filters if f is not _ENTRY], _showing()
        _RUN.threads[me] = _RUN.threads.get(me, 0) + 1
        _RUN.overlapped |= len(_RUN.threads) > 1
    try:
        yield
    finally:
        with _LOCK:
            _RUN.threads[me] -= 1
            if not _RUN.threads[me]:
                del _RUN.threads[me]
            if not _RUN.threads and _RUN.overlapped:
                _restore()
            if not _RUN.threads:
                _RUN.filters, _RUN.before, _RUN.shown = None, [], ()


def _showing() -> tuple[Any, ...]:
    """Functions that `catch_warnings` replaces."""
    return (warnings.showwarning, getattr(warnings, "_showwarnmsg_impl", None))


def _restore() -> None:
    held: Any = [_ENTRY, *_RUN.before] if _COUNT else _RUN.before
    if warnings.filters is not _RUN.filters or list(_RUN.filters) != list(held):
        _RUN.filters[:] = held
        warnings.filters = _RUN.filters
        _forget_shown()
    if _showing() != _RUN.shown:
        warnings.showwarning = _RUN.shown[0]
        if _RUN.shown[1] is not None:
            warnings._showwarnmsg_impl = _RUN.shown[1]  # type: ignore[attr-defined]


# Limits of libraries whose number of threads is one for the whole process, in the order in which they were set.
_LIMITS: list[Any] = []
_LIMITING = 0


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit numerical libraries to one thread while any thread is in such a block.

    Yields
    ------
    None

    Examples
    --------
    >>> from landbridge._process_state import one_thread
    >>> with one_thread():
    ...     pass
    """
    global _LIMITING
    from threadpoolctl import ThreadpoolController

    controller = ThreadpoolController()
    # OpenMP counts its threads for each calling thread, BLAS for the process.
    with controller.limit(limits=1, user_api="openmp"):
        with _LOCK:
            _LIMITING += 1
            _LIMITS.append(controller.limit(limits=1, user_api="blas"))
        try:
            yield
        finally:
            with _LOCK:
                _LIMITING -= 1
                if _LIMITING == 0:
                    for limit in reversed(_LIMITS):
                        limit.restore_original_limits()
                    _LIMITS.clear()
