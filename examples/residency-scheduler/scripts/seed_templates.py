#!/usr/bin/env python3
"""Create the 32 rotation templates.

The admin's password is the published one, unless ADMIN_PASSWORD says otherwise.
"""

from __future__ import annotations

import os

import requests

API = os.environ.get("API_URL", "http://localhost:8000") + "/api/v1"
PASSWORD = os.environ.get("ADMIN_PASSWORD", "SecureP@ss1234")

# name, abbreviation, kind of activity, residents at most
TEMPLATES = [
    ("Family Medicine Clinic PGY-1", "C1", "clinic", 4),
    ("Family Medicine Clinic PGY-2", "C2", "clinic", 4),
    ("Family Medicine Clinic PGY-3", "C3", "clinic", 4),
    ("Continuity Clinic", "CC", "clinic", 6),
    ("Pediatrics Clinic", "PEDC", "clinic", 2),
    ("Women's Health Clinic", "WHC", "clinic", 2),
    ("Dermatology Clinic", "DERM", "clinic", 1),
    ("Sports Medicine Clinic", "SM", "clinic", 2),
    ("Behavioral Health Clinic", "BHC", "clinic", 2),
    ("Virtual Clinic", "CV", "clinic", 3),
    ("FMIT Intern", "FMIT1", "inpatient", 2),
    ("FMIT Second Year", "FMIT2", "inpatient", 1),
    ("FMIT Senior", "FMIT3", "inpatient", 1),
    ("Internal Medicine Ward", "IMW", "inpatient", 2),
    ("Pediatrics Ward", "PEDW", "inpatient", 2),
    ("Labor and Delivery", "LND", "inpatient", 2),
    ("Intensive Care", "ICU", "inpatient", 1),
    ("Emergency Department", "ED", "inpatient", 2),
    ("Night Float Family Medicine", "NF", "night_float", 1),
    ("Night Float Labor and Delivery", "NFLD", "night_float", 1),
    ("Night Float Pediatrics", "NFP", "night_float", 1),
    ("Procedure Clinic", "PR", "procedures", 2),
    ("Vasectomy Clinic", "VAS", "procedures", 1),
    ("Botox Clinic", "BTX", "procedures", 1),
    ("Lecture", "LEC", "conference", None),
    ("Journal Club", "JC", "conference", None),
    ("Advising", "ADV", "conference", None),
    ("Point-of-Care Ultrasound", "POCUS", "elective", 2),
    ("Geriatrics", "GER", "elective", 1),
    ("Day Off", "OFF", "off", None),
    ("Post-Call Recovery", "PC", "recovery", None),
    ("Leave", "LV", "absence", None),
]


def main() -> None:
    session = requests.Session()
    credentials = {"username": "admin", "password": PASSWORD}
    token = session.post(f"{API}/auth/login/json", json=credentials).json().get("access_token")
    session.headers["Authorization"] = f"Bearer {token}"
    created = 0
    for name, abbreviation, activity, most in TEMPLATES:
        template = {
            "name": name,
            "abbreviation": abbreviation,
            "activity_type": activity,
            "max_residents": most,
            "supervision_required": activity not in ("conference", "off", "recovery", "absence"),
            "leave_eligible": activity not in ("inpatient", "night_float"),
        }
        answer = session.post(f"{API}/rotation-templates", json=template)
        if answer.ok:
            created += 1
        else:
            print(f"Error creating {name}: {answer.status_code}")
    print(f"Created {created} templates")


if __name__ == "__main__":
    main()
