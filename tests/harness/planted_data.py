# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL that plants data and takes fingerprints."""

from __future__ import annotations

# Of each table: name, number of rows, digest of the rows in their own order; the same for sequences; the databases.
FINGERPRINT_SQL = r"""
SELECT format('SELECT %L, count(*), md5(coalesce(string_agg(t::text, E''\n'' ORDER BY t::text), '''')) FROM %I.%I t',
              schemaname || '.' || tablename, schemaname, tablename)
FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
UNION ALL
SELECT format('SELECT %L, 1, last_value::text FROM %I.%I', schemaname || '.' || sequencename, schemaname, sequencename)
FROM pg_sequences
ORDER BY 1 \gexec
SELECT 'databases', string_agg(datname, ' ' ORDER BY datname) FROM pg_database;
"""

# Data that no migration and no seed would ever make: rows in the application's tables, odd values, a table of its own,
# a second database, deletions.
PLANT_SQL = """
CREATE TABLE planted (id serial PRIMARY KEY, words text, number numeric, moment timestamptz, bytes bytea, list int[]);
INSERT INTO planted (words, number, moment, bytes, list)
SELECT md5(random()::text) || E'\\n\\t\\\\\u00e9', random() * 1e12, now() - random() * interval '900 days',
       decode(md5(random()::text), 'hex'), ARRAY[n, NULL, -n]
FROM generate_series(1, 2000) n;
INSERT INTO planted (words) VALUES (NULL), (''), ('\\N');
DELETE FROM planted WHERE id % 7 = 0;
CREATE TABLE "Odd ""na me" AS SELECT 1 AS "select";
CREATE DATABASE planted_beside;
"""
PLANT_IN_APPLICATION_SQL = (
    "INSERT INTO audit_log (actor, action) SELECT 'planted', 'row ' || n FROM generate_series(1, 50) n;"
)
