#!/usr/bin/env python3
"""Create the 730 half days of the academic year 2025/26.

The admin's password comes from SEED_ADMIN_PASSWORD, else from ADMIN_PASSWORD in the .env of the working folder.
"""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path

import requests

API = os.environ.get("API_URL", "http://localhost:8000") + "/api/v1"
FIRST_DAY = date(2025, 7, 1)
DAYS = 365
DAYS_PER_BLOCK = 28
LAST_BLOCK = 13
HOLIDAYS = {
    date(2025, 7, 4),
    date(2025, 9, 1),
    date(2025, 10, 13),
    date(2025, 11, 11),
    date(2025, 11, 27),
    date(2025, 12, 25),
    date(2026, 1, 1),
    date(2026, 1, 19),
    date(2026, 2, 16),
    date(2026, 5, 25),
    date(2026, 6, 19),
}


def password() -> str:
    if "SEED_ADMIN_PASSWORD" in os.environ:
        return os.environ["SEED_ADMIN_PASSWORD"]
    lines = Path(".env").read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith("ADMIN_PASSWORD="))


def main() -> None:
    session = requests.Session()
    credentials = {"username": "admin", "password": password()}
    token = session.post(f"{API}/auth/login/json", json=credentials).json().get("access_token")
    session.headers["Authorization"] = f"Bearer {token}"
    created = 0
    for number in range(DAYS):
        day = FIRST_DAY + timedelta(days=number)
        for half in ("AM", "PM"):
            block = {
                "date": day.isoformat(),
                "time_of_day": half,
                "block_number": min(number // DAYS_PER_BLOCK + 1, LAST_BLOCK),
                "is_weekend": day.weekday() >= 5,
                "is_holiday": day in HOLIDAYS,
            }
            answer = session.post(f"{API}/blocks", json=block)
            if answer.ok:
                created += 1
            else:
                print(f"Error creating {day} {half}: {answer.status_code}")
    print(f"Created {created} blocks")


if __name__ == "__main__":
    main()
