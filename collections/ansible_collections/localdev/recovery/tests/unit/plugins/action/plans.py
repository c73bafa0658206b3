# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.localdev.recovery.plugins.plugin_utils import _planning
from ansible_collections.localdev.recovery.plugins.plugin_utils._planning import PlanAction


def run_plan(monkeypatch: pytest.MonkeyPatch, action: type[PlanAction], **options: t.Any) -> dict[str, t.Any]:
    """Run the action with these options, validated as Ansible does."""

    def validate(_self: PlanAction, argument_spec: dict[str, t.Any]) -> tuple[None, dict[str, t.Any]]:
        result = ArgumentSpecValidator(argument_spec).validate(options)
        assert result.error_messages == []
        return None, result.validated_parameters

    monkeypatch.setattr(_planning.ActionBase, "run", lambda *_args, **_options: {})
    monkeypatch.setattr(action, "validate_argument_spec", validate)
    planner = object.__new__(action)
    planner._task = types.SimpleNamespace(args=options)
    return planner.run()
