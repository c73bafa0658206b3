"""Say where the reference stack answers and how to log in."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/residency-scheduler"


def published_addresses() -> dict[str, str]:
    """Return service -> address where it is published."""
    command = ["docker", "compose", "ps", "--format", "json"]
    listed = subprocess.run(command, cwd=EXAMPLE, check=True, capture_output=True, text=True).stdout
    # One document per line, or one list, as Compose's version goes.
    rows = json.loads(listed) if listed.startswith("[") else [json.loads(line) for line in listed.splitlines()]
    return {
        row[
            "Service"
        ]: f"{port['URL'].replace('127.0.0.1', 'localhost').replace('0.0.0.0', 'localhost')}:{port['PublishedPort']}"
        for row in rows
        for port in row["Publishers"] or []
        if port["PublishedPort"]
    }


def read_env() -> dict[str, str]:
    lines = (EXAMPLE / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def main() -> None:
    places, env = published_addresses(), read_env()
    rows = [
        ("API", f"http://{places['backend']}"),
        ("API docs", f"http://{places['backend']}/docs"),
        ("frontend", f"http://{places['frontend']}"),
        ("PostgreSQL", f"{places['db']}, database {env['DB_NAME']}, user {env['DB_USER']}"),
        ("Redis", places["redis"]),
        ("login", f"{env['ADMIN_USERNAME']} / {env['ADMIN_PASSWORD']}"),
        ("stop", f"cd {EXAMPLE} && docker compose down"),
    ]
    print("\nThe reference stack is up.\n")
    for name, text in rows:
        print(f"  {name:<11} {text}")


if __name__ == "__main__":
    main()
