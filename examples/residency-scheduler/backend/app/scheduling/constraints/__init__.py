from app.scheduling.constraints.base import Constraint, Violation
from app.scheduling.constraints.manager import DEFAULT_CONSTRAINTS, ConstraintManager

__all__ = ["DEFAULT_CONSTRAINTS", "Constraint", "ConstraintManager", "Violation"]
