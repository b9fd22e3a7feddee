"""How many calls may still be made before what they cost would pass a limit."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Final

from manifest_tools.core.errors import InputError, ManifestToolsError

MAX_COST: Final = "max-cost"  # the code of an image that was not asked about for the sake of the limit
NOT_ASKED: Final = "not asked about: --max-cost was reached; the same command goes on from here"


class CostLimitError(ManifestToolsError):
    """What is left to do would cost more than may be spent."""


class Purse:
    """What may still be spent, in the currency of the prices. Threads share it.

    Parameters
    ----------
    max_cost : float, optional
        The limit; None for none.

    Raises
    ------
    InputError
        The limit is negative or no number.
    """

    def __init__(self, max_cost: float | None = None) -> None:
        if max_cost is not None and not 0 <= max_cost < float("inf"):
            raise InputError(f"--max-cost is {max_cost:g}; expected an amount of money, 0 or more")
        self.limited = max_cost is not None
        self.left = Decimal("Infinity") if max_cost is None else Decimal(str(max_cost))
        self.lock = threading.Lock()


class Budget:
    """Calls of one price out of a purse.

    A call is paid for before it is made, and given back where it is known that no image was processed, which is what
    Amazon charges for: what ended without a known answer counts as paid.

    Parameters
    ----------
    purse : Purse
    thousand : float or None
        Price of a thousand calls; None where nobody knows it, which a limit does not allow but for 0.

    Raises
    ------
    InputError
        There is a limit and no price, or the price is none.

    Examples
    --------
    >>> budget = Budget(Purse(0.0025), 1.0)
    >>> [budget.take() for _ in range(3)], budget.made
    ([True, True, False], 2)
    """

    def __init__(self, purse: Purse, thousand: float | None) -> None:
        if thousand is not None and not 0 <= thousand < float("inf"):
            raise InputError(
                f"the price of a thousand calls is {thousand:g}; expected an amount of money, 0 or more"
            )
        if thousand is None and purse.limited and purse.left:
            msg = "--max-cost wants to know what a call costs, and no table does: give --price, for a thousand images"
            raise InputError(msg)
        self._purse = purse
        # Nobody knows a price and nothing may be spent: any price is too high.
        self._price = Decimal(str(1000 if thousand is None and purse.limited else thousand or 0)) / 1000
        self.made = 0

    @property
    def limited(self) -> bool:
        """Whether there is a limit."""
        return self._purse.limited

    @classmethod
    def of_calls(cls, calls: int | None) -> Budget:
        """Return a budget of so many calls; None for any number."""
        return cls(Purse() if calls is None else Purse(calls), 1000)

    def take(self) -> bool:
        """Pay for a call; False when it would pass the limit, and must not be made."""
        return self.take_up_to(1) == 1

    def take_up_to(self, calls: int) -> int:
        """Pay for so many calls or, where the limit does not allow them, for as many as it does; return how many."""
        with self._purse.lock:
            if self._price and self._purse.limited:
                calls = min(calls, int(self._purse.left / self._price))
            self._purse.left -= self._price * calls
            self.made += calls
            return calls

    def take_all(self, calls: int) -> bool:
        """Pay for so many calls; False, and nothing is paid, when the limit does not allow all of them."""
        taken = self.take_up_to(calls)
        if taken < calls:
            self.give_back(taken)
        return taken == calls

    def give_back(self, calls: int = 1) -> None:
        """Take back what calls were paid that processed no image."""
        with self._purse.lock:
            self._purse.left += self._price * calls
            self.made -= calls
