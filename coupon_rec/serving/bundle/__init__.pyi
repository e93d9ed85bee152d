from .exporting import export as export
from .manifest import BundleError as BundleError
from .manifest import verified as verified
from .scorer import Scorer as Scorer
