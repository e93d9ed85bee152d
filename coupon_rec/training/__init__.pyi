from .batches import Examples as Examples
from .batches import examples as examples
from .fitting import fit as fit
from .searching import search as search
