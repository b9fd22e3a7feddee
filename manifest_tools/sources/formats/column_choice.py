"""Which columns of a table hold what: told by their names, or said with ``--columns``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.tables import find_column

ROLES = ("image", "label", "answer", "decision", "reason", "date", "reviewer", "checked")
IGNORE = "ignore"
_ROLE = re.compile(rf"\s*({'|'.join((*ROLES, IGNORE))})\s*=\s*", re.IGNORECASE)
_BETWEEN = re.compile(rf",(?=\s*(?:{'|'.join((*ROLES, IGNORE))})\s*=)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """Columns by their roles, and columns that are not to be read.

    Parameters
    ----------
    by_role : mapping of str to str
        Column of each role of ``ROLES`` that was named.
    ignored : frozenset of str
        Columns that are passed over.
    kept : frozenset of str
        Columns that are kept beside the labels, so that they are no labels themselves. A table need not have them.
    """

    by_role: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    ignored: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> ColumnChoice:
        """Read ``image=image_url,label=Moderation,ignore=notes``; a column's name may hold commas.

        Raises
        ------
        InputError
            A part names no role, or two columns have one role.
        """
        by_role: dict[str, str] = {}
        ignored = set()
        for text in texts:
            for part in _BETWEEN.split(text):
                match = _ROLE.match(part)
                column = part[match.end() :].strip() if match else ""
                if match is None or not column:
                    roles = ", ".join((*ROLES, IGNORE))
                    msg = f"--columns {text!r}: expected ROLE=COLUMN,... with the roles {roles}"
                    raise InputError(msg)
                role = match[1].lower()
                if role == IGNORE:
                    ignored.add(column)
                elif by_role.setdefault(role, column) != column:
                    msg = (
                        f"--columns names two columns for {role}: {by_role[role]!r} and {column!r}; name one"
                    )
                    raise InputError(msg)
        return cls(MappingProxyType(by_role), frozenset(ignored))

    def __bool__(self) -> bool:
        """Whether anything was said."""
        return bool(self.by_role or self.ignored)

    def find(self, role: str, columns: Sequence[str], names: Sequence[str]) -> str | None:
        """Return the column of a role: the one that was named, else one that bears one of the names."""
        if role in self.by_role:
            return self.by_role[role]
        taken = {*self.by_role.values(), *self.ignored}
        return find_column([column for column in columns if column not in taken], names)

    def check(self, columns: Sequence[str], path: object) -> None:
        """Raise InputError where a column that was named is not in the table."""
        missing = sorted({*self.by_role.values(), *self.ignored} - set(columns))
        if missing:
            listed = ", ".join(map(repr, columns)) or "none"
            msg = f"{path}: --columns names {missing[0]!r}, but the table has the columns {listed}"
            raise InputError(msg)


BY_NAME = ColumnChoice()
