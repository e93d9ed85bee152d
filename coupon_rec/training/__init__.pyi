from .batches import Examples as Examples
from .batches import examples as examples
from .cluster import train_on_spark as train_on_spark
from .cluster import train_share as train_share
from .fitting import fit as fit
from .searching import search as search
