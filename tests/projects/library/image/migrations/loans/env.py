from library.environment import migrate
from library.models import Loans

migrate(Loans.metadata)
