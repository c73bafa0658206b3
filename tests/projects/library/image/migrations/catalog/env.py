from library.environment import migrate
from library.models import Catalog

migrate(Catalog.metadata)
