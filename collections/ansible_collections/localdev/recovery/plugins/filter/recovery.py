# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters: names for the pure functions of module_utils.

Each is loaded when it is called: every task runs in a process of its own, which would else load them all for one.
"""

from __future__ import annotations

import importlib
import typing as t

# Name of the filter -> module of module_utils, function.
FUNCTIONS = {
    "account_query": ("accounts", "account_query"),
    "account_hash": ("accounts", "stored_hash"),
    "account_decision": ("accounts", "decide"),
    "account_summary": ("accounts", "summary"),
    "account_missing": ("accounts", "missing_columns"),
    "account_lines": ("accounts", "finding_lines"),
    "account_report": ("accounts", "account_report"),
    "account_write_query": ("accounts", "write_query"),
    "account_write_arguments": ("accounts", "write_arguments"),
    "account_write_problem": ("accounts", "write_problem"),
    "row_object": ("accounts", "row_object"),
    "env_report": ("env_needs", "report"),
    "row_query": ("proof", "row_query"),
    "row_problems": ("proof", "row_problems"),
    "revision_problems": ("proof", "revision_problems"),
    "login_problems": ("proof", "login_problems"),
    "rebuild_report": ("reports", "rebuild_report"),
    "undo_report": ("reports", "undo_report"),
    "backup_report": ("reports", "backup_report"),
    "drill_report": ("reports", "drill_report"),
    "restore_report": ("reports", "restore_report"),
    "transfer_report": ("reports", "transfer_report"),
    "provision_prospect": ("provision_decision", "prospect"),
    "provision_report": ("provision_decision", "report"),
    "schema_unreadable": ("schema_diagnosis", "unreadable"),
    "schema_findings": ("schema_diagnosis", "diagnose"),
    "schema_decision": ("schema_diagnosis", "decide"),
    "finding_lines": ("schema_diagnosis", "finding_lines"),
    "schema_report": ("reports", "schema_report"),
    "injection_report": ("injections", "report"),
    "registration_lines": ("registrations", "lines"),
    "container_report": ("container_report", "container_report"),
    "transition_asides": ("transition", "asides"),
    "transition_old_places": ("transition", "old_places"),
    "transition_report": ("transition", "report"),
    "volume_places": ("volume_plans", "places"),
    "volume_stops": ("volume_plans", "to_stop"),
    "volume_archive_path": ("volume_plans", "archive_path"),
    "volume_choice": ("volume_plans", "choose"),
    "volume_fresh_name": ("volume_plans", "fresh_name"),
    "volume_swap": ("volume_plans", "swap_objects"),
    "volume_backup_report": ("volume_plans", "backup_report"),
    "volume_restore_report": ("volume_plans", "restore_report"),
    "runs_report": ("run_report", "runs_report"),
    "run_explanation": ("run_report", "explanation"),
    "question_lines": ("inventories", "question_lines"),
    "discovery_report": ("inventories", "discovery_report"),
    "inventory": ("inventories", "inventory"),
    "hosts_meant": ("inventories", "meant"),
    "cleanup_report": ("reports", "cleanup_report"),
    "service_urls": ("stack_queries", "urls"),
    "api_url": ("stack_queries", "api_url"),
    "lacks_database": ("stack_queries", "lacks_database"),
    "data_objects": ("stack_queries", "data_objects"),
    "services_of": ("stack_queries", "services_of"),
    "cache_objects": ("stack_queries", "cache_objects"),
    "database_object": ("stack_queries", "database_object"),
    "without_containers": ("stack_queries", "without_containers"),
    "out_of_date": ("stack_queries", "out_of_date"),
    "writers": ("stack_queries", "writers"),
}


def loaded_when_called(module: str, function: str) -> t.Callable[..., t.Any]:
    def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        found = importlib.import_module(f"ansible_collections.localdev.recovery.plugins.module_utils.{module}")
        return getattr(found, function)(*args, **kwargs)

    return call


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {name: loaded_when_called(*where) for name, where in FUNCTIONS.items()}
