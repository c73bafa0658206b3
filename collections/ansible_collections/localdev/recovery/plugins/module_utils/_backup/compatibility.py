# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Decide whether a backup fits the migrations of this checkout, by Alembic's graph of revisions. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass, field

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.commands import build_checkout_command
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.graph import RevisionGraph
from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import LIST_BACKUPS_COMMAND
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    NextCommand,
    playbook_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_count

# Actions of a decision.
RESTORE_AS_IS, RESTORE_AND_UPGRADE, REFUSE_RESTORE = "restore", "restore and upgrade", "refuse"
_CHOOSE_ANOTHER = "Choose another backup."


@dataclass(frozen=True)
class CompatibilityDecision:
    """The verdict on a backup and the action that follows.

    verdict: ``same``, ``behind``, ``unknown``, ``truncated``, ``missing``, ``overlapping`` or ``not compared``.

    revisions: of the backup. pending: what an upgrade to the heads would apply afterwards, in order. failure: id of the
    failure, if the action is to refuse. hint, next: what helps then.
    """

    verdict: str
    action: str
    reason: str
    revisions: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    failure: str = ""
    hint: Line = ""
    next: NextCommand | None = None

    def to_result(self) -> dict[str, t.Any]:
        return asdict(self)


@dataclass(frozen=True)
class RevisionSources:
    """A collection of all that is known of the revisions of one backup.

    backup: its name or path, as restore_select takes it. named: revisions in its metadata. reliable: this collection
    wrote the metadata, so its revisions are complete. in_dump: the revisions in the dump itself, where they were read.
    """

    backup: str
    named: t.Sequence[str]
    reliable: bool
    in_dump: t.Sequence[str] | None = None


@dataclass(frozen=True)
class Checkout:
    """The project's migrations as they are checked out.

    folder: of the project. found: where git has revisions that the checkout lacks, by revision.
    """

    graph: RevisionGraph
    folder: str
    found: t.Mapping[str, t.Mapping[str, t.Any]] = field(default_factory=dict)


def decide_without_alembic() -> CompatibilityDecision:
    """Return the decision for a stack whose application has no Alembic."""
    return CompatibilityDecision(
        "not compared", RESTORE_AS_IS, "no service of this stack has Alembic: there is nothing to compare"
    )


def decide_compatibility(
    checkout: Checkout, backup: RevisionSources, *, trust_dump: bool = False
) -> CompatibilityDecision:
    """Decide about a backup. trust_dump: use the dump's revisions where the metadata names no known revision."""
    graph, named, in_dump = checkout.graph, list(backup.named), backup.in_dump
    unknown = [revision for revision in named if not graph.is_known(revision)]
    if named and not unknown:
        return _decide_known_revisions(graph, named)
    if backup.reliable and unknown:
        return _decide_unknown_revisions(checkout, unknown, named)
    candidates = sorted({c for revision in unknown for c in graph.candidates(revision)})
    if unknown and not candidates and set(unknown) <= set(in_dump or ()):
        return _decide_unknown_revisions(checkout, unknown, named)
    if trust_dump and in_dump:
        return decide_compatibility(checkout, RevisionSources(backup.backup, in_dump, reliable=True))
    named_text = f"the metadata names {', '.join(unknown)}" if unknown else "the metadata names no revision"
    guess = f", the beginning of {' or '.join(candidates)}" if candidates else ""
    dump_text = ""
    if in_dump is not None:
        dump_text = f"; the dump itself is at {', '.join(in_dump) or 'no revision'}"
    trust = playbook_command("restore", restore_select=backup.backup, restore_trust_dump=True)
    return CompatibilityDecision(
        "truncated" if unknown else "missing",
        REFUSE_RESTORE,
        f"{named_text}{guess}{dump_text}",
        revisions=list(in_dump or ()),
        heads=sorted(graph.heads),
        failure=FailureId.BACKUP_REVISION_UNCERTAIN.id,
        hint="Choose another backup, or go by the revision in the dump itself." if in_dump else _CHOOSE_ANOTHER,
        next=trust if in_dump else LIST_BACKUPS_COMMAND,
    )


def _decide_known_revisions(graph: RevisionGraph, named: list[str]) -> CompatibilityDecision:
    heads = sorted(graph.heads)
    overlapping = [r for r in named if any(r in graph.ancestors([o]) for o in named if o != r)]
    if overlapping:
        return CompatibilityDecision(
            "overlapping",
            REFUSE_RESTORE,
            f"the backup is at {' and '.join(named)} at once, and {', '.join(overlapping)} comes before another: it "
            "was made of a database into which a newer dump had been loaded",
            revisions=named,
            heads=heads,
            failure=FailureId.BACKUP_REVISIONS_OVERLAP.id,
            hint=_CHOOSE_ANOTHER,
            next=LIST_BACKUPS_COMMAND,
        )
    pending = list(graph.pending(named))
    several = f" (the migrations have {len(heads)} heads: {', '.join(heads)})" if len(heads) > 1 else ""
    if not pending:
        return CompatibilityDecision(
            "same", RESTORE_AS_IS, f"the backup is at the head{'s' if several else ''}{several}", named, [], heads
        )
    return CompatibilityDecision(
        "behind",
        RESTORE_AND_UPGRADE,
        f"the backup is at {', '.join(named)}, {format_count(len(pending), 'revision')} before "
        f"{', '.join(heads)}{several}",
        named,
        pending,
        heads,
    )


def _decide_unknown_revisions(checkout: Checkout, unknown: list[str], named: list[str]) -> CompatibilityDecision:
    places = []
    for revision in unknown:
        place = checkout.found.get(revision) or {}
        if place.get("refs"):
            places.append(f"{revision} is on {', '.join(place['refs'])}")
        elif place.get("commit"):
            places.append(f"{revision} was in commit {place['commit']}")
        else:
            places.append(f"no branch and no commit here has {revision}")
    located = [place for place in map(checkout.found.get, unknown) if place]
    first = "Check out the code that has the revision" if located else "Fetch all branches"
    return CompatibilityDecision(
        "unknown",
        REFUSE_RESTORE,
        f"the backup is at {', '.join(unknown)}, which this checkout does not have: {'; '.join(places)}",
        named,
        [],
        sorted(checkout.graph.heads),
        failure=FailureId.BACKUP_REVISION_UNKNOWN.id,
        hint=[f"{first}, then restore again. Or choose another backup: ", LIST_BACKUPS_COMMAND],
        next=build_checkout_command(checkout.folder, located),
    )
