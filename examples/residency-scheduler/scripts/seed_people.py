#!/usr/bin/env python3
"""Create the 28 people of the programme: 18 residents and 10 faculty.

The admin's password comes from ADMIN_PASSWORD.
"""

from __future__ import annotations

import os

import requests

API = os.environ.get("API_URL", "http://localhost:8000") + "/api/v1"

RESIDENTS = {
    1: ["Amara Osei", "Ben Lindqvist", "Chloe Tanaka", "Daniel Reyes", "Elif Kaya", "Farid Haddad"],
    2: ["Grace Okafor", "Henry Novak", "Isla Fraser", "Jonas Weber", "Kiran Patel", "Lena Sorensen"],
    3: ["Marco Conti", "Nadia Rahman", "Oscar Dubois", "Priya Nair", "Quinn Gallagher", "Rosa Jimenez"],
}
FACULTY = {
    "Samuel Brandt": "pd",
    "Theresa Whitfield": "apd",
    "Umar Siddiqui": "apd",
    "Vera Kowalski": "oic",
    "Walter Hayes": "dept_chief",
    "Xenia Petrova": "sports_med",
    "Yusuf Demir": "core",
    "Zoe Marchetti": "core",
    "Adrian Clarke": "core",
    "Beatrice Holm": "adjunct",
}


def people() -> list[dict]:
    residents = [
        {"name": name, "type": "resident", "pgy_level": level} for level, names in RESIDENTS.items() for name in names
    ]
    faculty = [
        {"name": name, "type": "faculty", "faculty_role": role, "call_exempt": role == "adjunct"}
        for name, role in FACULTY.items()
    ]
    for person in residents + faculty:
        person["email"] = person["name"].lower().replace(" ", ".") + "@example.com"
    return residents + faculty


def main() -> None:
    session = requests.Session()
    credentials = {"username": "admin", "password": os.environ.get("ADMIN_PASSWORD", "")}
    token = session.post(f"{API}/auth/login/json", json=credentials).json().get("access_token")
    session.headers["Authorization"] = f"Bearer {token}"
    created = 0
    for person in people():
        answer = session.post(f"{API}/people", json=person)
        if answer.ok:
            created += 1
        else:
            print(f"Error creating {person['name']}: {answer.status_code} {answer.text}")
    print(f"Created {created} people")


if __name__ == "__main__":
    main()
