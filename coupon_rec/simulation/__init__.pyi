from .marginals import marginals as marginals
from .market import Simulation as Simulation
from .market import simulate_market as simulate_market
from .people import People as People
from .truth import Truth as Truth
from .world import World as World
