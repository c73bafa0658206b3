# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Decide whether a backup fits the migrations of this checkout, by Alembic's graph of revisions. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass, field

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.graph import RevisionGraph

# Actions of a decision.
RESTORE_AS_IS, RESTORE_AND_UPGRADE, REFUSE_RESTORE = "restore", "restore and upgrade", "refuse"


@dataclass(frozen=True)
class CompatibilityDecision:
    """The verdict on a backup and the action that follows.

    verdict: ``same``, ``behind``, ``unknown``, ``truncated``, ``missing``, ``overlapping`` or ``not compared``.

    revisions: of the backup. pending: what an upgrade to the heads would apply afterwards, in order.
    """

    verdict: str
    action: str
    reason: str
    revisions: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    next_command: str = ""

    def to_result(self) -> dict[str, t.Any]:
        return asdict(self)


def decide_without_alembic() -> CompatibilityDecision:
    """Return the decision for a stack whose application has no Alembic."""
    return CompatibilityDecision(
        "not compared", RESTORE_AS_IS, "no service of this stack has Alembic: there is nothing to compare"
    )


def decide_compatibility(
    graph: RevisionGraph,
    named: t.Sequence[str],
    *,
    reliable: bool,
    in_dump: t.Sequence[str] | None = None,
    trust_dump: bool = False,
    found: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
) -> CompatibilityDecision:
    """Decide about a backup whose metadata names the revisions ``named``.

    reliable: this collection wrote the metadata, so its revisions are complete. in_dump: the revisions in the dump
    itself, where they were read. trust_dump: use those where the metadata names no known revision. found: where git has
    revisions that this checkout lacks.
    """
    heads = sorted(graph.heads)
    unknown = [revision for revision in named if not graph.is_known(revision)]
    if named and not unknown:
        return _decide_known_revisions(graph, list(named), heads)
    if reliable and unknown:
        return _decide_unknown_revisions(unknown, list(named), heads, found or {})
    candidates = sorted({c for revision in unknown for c in graph.candidates(revision)})
    if unknown and not candidates and set(unknown) <= set(in_dump or ()):
        return _decide_unknown_revisions(unknown, list(named), heads, found or {})
    verdict = "truncated" if unknown else "missing"
    if trust_dump and in_dump:
        return decide_compatibility(graph, in_dump, reliable=True, found=found)
    named_text = f"the metadata names {', '.join(unknown)}" if unknown else "the metadata names no revision"
    guess = f", the beginning of {' or '.join(candidates)}" if candidates else ""
    dump_text = ""
    if in_dump is not None:
        dump_text = f"; the dump itself is at {', '.join(in_dump) or 'no revision'}"
    return CompatibilityDecision(
        verdict,
        REFUSE_RESTORE,
        f"{named_text}{guess}{dump_text}",
        revisions=list(in_dump or ()),
        heads=heads,
        next_command="to go by the revision that the dump itself holds: -e restore_trust_dump=true"
        if in_dump
        else "choose another backup",
    )


def _decide_known_revisions(graph: RevisionGraph, named: list[str], heads: list[str]) -> CompatibilityDecision:
    overlapping = [r for r in named if any(r in graph.ancestors([o]) for o in named if o != r)]
    if overlapping:
        return CompatibilityDecision(
            "overlapping",
            REFUSE_RESTORE,
            f"the backup is at {', '.join(named)}, of which {', '.join(overlapping)} comes before another: it was made "
            "of a database into which a newer dump had been loaded",
            revisions=named,
            heads=heads,
            next_command="choose another backup",
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
        f"the backup is at {', '.join(named)}, {len(pending)} revision{'s' if len(pending) > 1 else ''} before "
        f"{', '.join(heads)}{several}",
        named,
        pending,
        heads,
    )


def _decide_unknown_revisions(
    unknown: list[str], named: list[str], heads: list[str], found: t.Mapping[str, t.Mapping[str, t.Any]]
) -> CompatibilityDecision:
    places = []
    command = "git fetch --all, then try again; or choose another backup"
    for revision in unknown:
        place = found.get(revision) or {}
        if place.get("refs"):
            places.append(f"{revision} is on {', '.join(place['refs'])}")
            command = f"git switch {place['refs'][0].removeprefix('origin/')}, then restore again"
        elif place.get("commit"):
            places.append(f"{revision} was in commit {place['commit']}")
            command = f"git switch --detach {place['commit']}, then restore again"
        else:
            places.append(f"no branch and no commit here has {revision}")
    return CompatibilityDecision(
        "unknown",
        REFUSE_RESTORE,
        f"the backup is at {', '.join(unknown)}, which this checkout does not have: {'; '.join(places)}",
        named,
        [],
        heads,
        command,
    )
