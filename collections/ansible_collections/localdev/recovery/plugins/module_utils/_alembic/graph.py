# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Answer questions about a project's Alembic revisions without Alembic. Pure.

Used for the revision of a backup, and before any container runs. Each answer takes time in proportion to the number of
revisions.
"""

from __future__ import annotations

import typing as t
from collections import deque

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId

Revision = t.Mapping[str, t.Any]


class RevisionGraph:
    """The graph of revisions with their down revisions and dependencies.

    revisions: mappings as alembic_info returns them (revision, down_revisions, and where there are any depends_on and
    branch_labels), in any order. depends_on may name a branch label, as it may in a migration.
    """

    def __init__(self, revisions: t.Iterable[Revision]) -> None:
        rows = {row["revision"]: row for row in revisions}
        self.labels: dict[str, str] = {
            label: name for name, row in rows.items() for label in row.get("branch_labels") or ()
        }
        self._down = {name: tuple(dict.fromkeys(row.get("down_revisions") or ())) for name, row in rows.items()}
        self._parents = {
            name: tuple(
                dict.fromkeys(
                    (*self._down[name], *(self.labels.get(other, other) for other in row.get("depends_on") or ()))
                )
            )
            for name, row in rows.items()
        }
        self._children: dict[str, list[str]] = {name: [] for name in rows}
        for name, parents in self._parents.items():
            for parent in parents:
                if parent not in rows:
                    raise RecoveryError(
                        FailureId.MIGRATIONS_BROKEN,
                        f"Revision {name} builds on {parent}, which is not among the migrations",
                        hint=f"Add the file of {parent}, or correct down_revision or depends_on in the file of {name}.",
                    )
                self._children[parent].append(name)
        self.order: tuple[str, ...] = self._sorted()
        self.revisions: tuple[Revision, ...] = tuple(rows[name] for name in self.order)

    def _sorted(self) -> tuple[str, ...]:
        """Return the names from base to head: each revision after all that it builds on, else in the given order."""
        open_parents = {name: len(parents) for name, parents in self._parents.items()}
        ready = deque(name for name, count in open_parents.items() if count == 0)
        order: list[str] = []
        while ready:
            name = ready.popleft()
            order.append(name)
            for child in self._children[name]:
                open_parents[child] -= 1
                if open_parents[child] == 0:
                    ready.append(child)
        if len(order) < len(open_parents):
            cycle = sorted(name for name, count in open_parents.items() if count > 0)
            raise RecoveryError(
                FailureId.MIGRATIONS_BROKEN,
                f"The revisions {', '.join(cycle[:10])} build on each other in a circle",
                hint="Correct down_revision or depends_on in one of their files.",
            )
        return tuple(order)

    @property
    def heads(self) -> tuple[str, ...]:
        """Return the revisions that are no other's down revision. As in Alembic, a dependency does not count."""
        down_revisions = {parent for parents in self._down.values() for parent in parents}
        return tuple(name for name in self.order if name not in down_revisions)

    @property
    def bases(self) -> tuple[str, ...]:
        """Return the revisions without a down revision."""
        return tuple(name for name in self.order if not self._down[name])

    def is_known(self, revision: str) -> bool:
        return revision in self._down

    def candidates(self, prefix: str) -> tuple[str, ...]:
        """Return the revisions that begin with a truncated one; none for an empty text."""
        return tuple(name for name in self.order if prefix and name.startswith(prefix))

    def ancestors(self, revisions: t.Iterable[str]) -> frozenset[str]:
        """Return all that these known revisions build on, directly or not; one of them only if another builds on it."""
        found: set[str] = set()
        todo = list(revisions)
        for name in todo:
            if name not in self._parents:
                raise RecoveryError(
                    FailureId.REVISION_UNKNOWN,
                    f"Revision {name} is not among the migrations",
                    hint="Check out the branch or the commit that has its file.",
                )
        while todo:
            for parent in self._parents[todo.pop()]:
                if parent not in found:
                    found.add(parent)
                    todo.append(parent)
        return frozenset(found)

    def pending(self, current: t.Iterable[str], targets: t.Iterable[str] | None = None) -> tuple[str, ...]:
        """Return what an upgrade from the current revisions would apply, in an order that works.

        targets: the revisions to upgrade to; the heads if not given.
        """
        at = set(current)
        wanted = set(self.heads if targets is None else targets)
        missing = (wanted | self.ancestors(wanted)) - at - self.ancestors(at)
        return tuple(name for name in self.order if name in missing)
