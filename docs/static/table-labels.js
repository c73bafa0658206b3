// Copyright (c) localdev.recovery contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// On a phone, site.css shows a table as one block for each row. Each cell then needs the title of its column.
for (const table of document.querySelectorAll("article table.docutils:not(.ansible-option-table)")) {
  const labels = [...table.querySelectorAll("thead th")].map((title) => title.textContent.trim());
  table.classList.add("stackable");
  for (const row of table.querySelectorAll("tbody tr")) {
    [...row.cells].forEach((cell, column) => { if (labels[column]) cell.dataset.label = labels[column]; });
  }
}
