from .layout import IDS as IDS
from .layout import RecordsError as RecordsError
from .reading import read_encoder as read_encoder
from .reading import read_records as read_records
from .reading import schema as schema
from .writing import write_records as write_records
