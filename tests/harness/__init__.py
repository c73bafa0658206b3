# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Throw-away stacks for tests and benchmarks.

``reference_stack`` makes copies of the reference stack, ``project`` makes other Compose projects, and ``images``
provides their images. A copy has its own folder, project name, container names, ports, volumes and secrets: it runs
beside any other stack and leaves nothing behind.
"""
