from app.models.absence import Absence
from app.models.assignment import Assignment
from app.models.audit import AuditEntry
from app.models.block import Block
from app.models.call import CallAssignment, FmitWeek
from app.models.constraint_configuration import ConstraintConfiguration
from app.models.person import Person
from app.models.rotation_template import RotationTemplate
from app.models.schedule_run import ScheduleRun
from app.models.user import User
from app.models.workload_summary import WorkloadSummary

__all__ = [
    "Absence",
    "Assignment",
    "AuditEntry",
    "Block",
    "CallAssignment",
    "ConstraintConfiguration",
    "FmitWeek",
    "Person",
    "RotationTemplate",
    "ScheduleRun",
    "User",
    "WorkloadSummary",
]
