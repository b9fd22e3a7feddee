"""What is true when a command is stopped half way: said by the work that was under way, printed by whoever ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_said: list[str] = []


@contextmanager
def when_stopped(words: Callable[[], str]) -> Iterator[None]:
    """Remember what to say when the block is left by an interruption or a request to end, and by nothing else.

    Parameters
    ----------
    words : callable
        Returns a sentence about what is done already, what stays, and how to go on; "" for nothing to say.
    """
    try:
        yield
    except Exception:
        raise
    except BaseException:
        _said.append(words())
        raise


def words_when_stopped() -> str:
    """Return what the work that was stopped said, once; "" when it said nothing."""
    said = "; ".join(filter(None, _said))
    _said.clear()
    return said
