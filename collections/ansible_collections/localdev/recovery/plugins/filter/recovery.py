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
    "account_query": ("_application.account", "account_query"),
    "account_hash": ("_application.account", "stored_hash"),
    "account_decision": ("_application.account", "decide"),
    "account_summary": ("_application.account", "summary"),
    "account_missing": ("_application.account", "missing_columns"),
    "account_lines": ("_application.account", "finding_lines"),
    "account_report": ("_application.account", "account_report"),
    "account_write_query": ("_application.account", "write_query"),
    "account_write_arguments": ("_application.account", "write_arguments"),
    "account_write_problem": ("_application.account", "write_problem"),
    "row_object": ("_application.account", "row_object"),
    "env_report": ("_env_file.requirements", "report"),
    "row_query": ("_postgresql.row_counts", "row_query"),
    "row_problems": ("_postgresql.row_counts", "row_problems"),
    "revision_problems": ("_postgresql.row_counts", "revision_problems"),
    "login_problems": ("_postgresql.row_counts", "login_problems"),
    "rebuild_report": ("_report.reports", "rebuild_report"),
    "undo_report": ("_report.reports", "undo_report"),
    "backup_report": ("_report.reports", "backup_report"),
    "drill_report": ("_report.reports", "drill_report"),
    "restore_report": ("_report.reports", "restore_report"),
    "transfer_report": ("_report.reports", "transfer_report"),
    "provision_prospect": ("_stack.provisioning", "prospect"),
    "provision_report": ("_stack.provisioning", "report"),
    "schema_unreadable": ("_alembic.diagnosis", "unreadable"),
    "schema_findings": ("_alembic.diagnosis", "diagnose"),
    "schema_decision": ("_alembic.diagnosis", "decide"),
    "finding_lines": ("_alembic.diagnosis", "finding_lines"),
    "schema_report": ("_report.reports", "schema_report"),
    "injection_report": ("_container.injections", "report"),
    "registration_lines": ("_application.registration", "lines"),
    "container_report": ("_report.container_recovery", "container_report"),
    "transition_asides": ("_volume.mount_plan", "asides"),
    "transition_old_places": ("_volume.mount_plan", "old_places"),
    "transition_report": ("_volume.mount_plan", "report"),
    "volume_places": ("_volume.plan", "places"),
    "volume_stops": ("_volume.plan", "to_stop"),
    "volume_archive_path": ("_volume.plan", "archive_path"),
    "volume_choice": ("_volume.plan", "choose"),
    "volume_fresh_name": ("_volume.plan", "fresh_name"),
    "volume_swap": ("_volume.plan", "swap_objects"),
    "volume_backup_report": ("_volume.plan", "backup_report"),
    "volume_restore_report": ("_volume.plan", "restore_report"),
    "runs_report": ("_report.run_list", "runs_report"),
    "run_explanation": ("_report.run_list", "explanation"),
    "question_lines": ("_stack.inventory_file", "question_lines"),
    "discovery_report": ("_stack.inventory_file", "discovery_report"),
    "inventory": ("_stack.inventory_file", "inventory"),
    "hosts_meant": ("_stack.inventory_file", "meant"),
    "cleanup_report": ("_report.reports", "cleanup_report"),
    "api_url": ("_stack.description", "api_url"),
    "lacks_database": ("_stack.description", "lacks_database"),
    "data_objects": ("_stack.description", "data_objects"),
    "services_of": ("_stack.description", "services_of"),
    "cache_objects": ("_stack.description", "cache_objects"),
    "database_object": ("_stack.description", "database_object"),
    "without_containers": ("_stack.description", "without_containers"),
    "out_of_date": ("_stack.description", "out_of_date"),
    "writers": ("_stack.description", "writers"),
}


def loaded_when_called(module: str, function: str) -> t.Callable[..., t.Any]:
    def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        found = importlib.import_module(f"ansible_collections.localdev.recovery.plugins.module_utils.{module}")
        return getattr(found, function)(*args, **kwargs)

    return call


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {name: loaded_when_called(*where) for name, where in FUNCTIONS.items()}
