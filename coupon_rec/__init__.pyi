from .market.complete_journey import load_complete_journey as load_complete_journey
from .market.errors import MarketError as MarketError
from .market.loading import load_market as load_market
from .market.tables import Market as Market
