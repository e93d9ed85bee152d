"""From what happened in a campaign to rows of tables."""

import numpy as np
import pyarrow as pa

from coupon_rec.odds import sigmoid
from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.crowd import Crowd
from coupon_rec.simulation.happening import CampaignLines, Happened
from coupon_rec.simulation.likely import Likely
from coupon_rec.simulation.model import WEEKS, Floats, Ints
from coupon_rec.simulation.shopping import DAY
from coupon_rec.simulation.tables import LOOKED_UP, OUTCOMES, REVIEWED, clock
from coupon_rec.simulation.traits import PLATFORMS
from coupon_rec.simulation.world import World

Columns = dict[str, np.ndarray | pa.Array]
REPORTED_AFTER = 14.0
"""Mean days until a redemption is reported, where delay is on."""
PHONE_CLICKS = -0.8
"""What a phone adds to the logit of clicking what is viewed."""


def starts_at(period: int) -> int:
    """Seconds from the first day to the start of a period."""
    return period * WEEKS * 7 * DAY


def other_luck(luck: Floats) -> Floats:
    """Numbers in [0, 1) from the later digits of others, whose first ones decide something else."""
    return 1000 * luck % 1


def redeeming(lines: CampaignLines, campaign: Round, happened: Happened) -> tuple[Ints, Ints]:
    """The lines with which coupons are redeemed, the first of each, and the coupon of each."""
    sent = happened.sent
    pair_of = np.full((len(sent.mailed), len(campaign.kinds)), -1)
    who, pair = np.nonzero(sent.offered & sent.redeemed_with)
    pair_of[who, campaign.slot[pair]] = pair
    rows = np.flatnonzero(lines.slot >= 0)
    used = pair_of[lines.user[rows], lines.slot[rows]]
    rows, used = rows[used >= 0], used[used >= 0]
    order = np.lexsort((rows, lines.trip[rows]))  # a trip's number tells its time
    rows, used = rows[order], used[order]
    _, first = np.unique(lines.user[rows] * len(pair_of[0]) + lines.slot[rows], return_index=True)
    return rows[first], used[first]


def purchases(
    campaign: Round, happened: Happened, used: tuple[Ints, Ints], user_ids: Ints
) -> Columns:
    """The lines of the receipts, with what was paid for them."""
    lines, trips = happened.lines, happened.trips
    sale, price = campaign.sale[lines.item], campaign.list_price[lines.item]
    coupon = np.zeros(len(sale))
    rows, pair = used
    coupon[rows] = (campaign.depth[pair] * price[rows] * (1 - sale[rows])).round(2)
    off = (price * lines.units * sale).round(2)
    own = np.where(trips.user[lines.trip] == lines.user, 0, 500)
    number = lines.trip - trips.first[trips.user[lines.trip]] + 1 + own
    return {
        "user_id": user_ids[lines.user],
        "item_id": lines.item + 1,
        "basket_id": user_ids[lines.user] * 100_000 + 1000 * campaign.period + number,
        "store_id": trips.store[lines.trip],
        "time": clock(starts_at(campaign.period) + trips.second[lines.trip]),
        "quantity": lines.units,
        "amount": (price * lines.units - off - coupon).round(2),
        "retail_discount": off,
        "coupon_discount": coupon,
        "coupon_match": coupon,
    }


def redemptions(
    campaign: Round, happened: Happened, used: tuple[Ints, Ints], user_ids: Ints
) -> Columns:
    """The redemptions, with the day on which each is reported."""
    rows, pair = used
    lines = happened.lines
    second = starts_at(campaign.period) + happened.trips.second[lines.trip[rows]]
    late = np.ceil(-REPORTED_AFTER * np.log1p(-other_luck(lines.luck[rows, 1]))).astype(int)
    day = clock(second).astype("datetime64[D]")
    return {
        "campaign_id": np.full(len(rows), campaign.period),
        "user_id": user_ids[lines.user[rows]],
        "coupon_id": campaign.coupon_id[pair],
        "date": day,
        "reported": day + late.astype("timedelta64[D]"),
    }


def candidates(
    campaign: Round,
    crowd: Crowd,
    found: Likely,
    happened: Happened,
    mailing: Floats,
    within: Floats,
) -> Columns:
    """The truth of each user and coupon of the campaign, whether offered or not."""
    n, pairs = within.shape
    numbers = {
        "mailing_propensity": np.broadcast_to(mailing[:, None], within.shape),
        "coupon_propensity": within,
        "noticed": found.noticed,
        **{name: p for name, p in found.truth.items() if not name.startswith("margin")},
    }
    sent = happened.sent
    flags = {name: getattr(sent, name) for name in OUTCOMES}
    phone = np.repeat(crowd.traits.phone.astype("int8"), pairs)
    return {
        "campaign_id": np.full(n * pairs, campaign.period),
        "user_id": np.repeat(crowd.user_ids, pairs),
        "coupon_id": np.tile(campaign.coupon_id, n),
        "channel": pa.DictionaryArray.from_arrays(phone, list(PLATFORMS)).dictionary_decode(),
        "position": found.position[:, campaign.slot].ravel(),
        **{name: table.astype("float32").ravel() for name, table in numbers.items()},
        **{name: table.ravel() for name, table in flags.items()},
    }


def looks(
    rng: np.random.Generator,
    world: World,
    campaign: Round,
    crowd: Crowd,
    found: Likely,
    happened: Happened,
) -> dict[str, Columns]:
    """What users look at, what of it they click, and what they write about their purchases."""
    lines, trips, wishes = happened.lines, happened.trips, happened.wishes
    user_ids = crowd.user_ids
    seconds = WEEKS * 7 * DAY
    at = rng.integers(0, seconds, len(wishes.user))[wishes.view]
    looked = lines.luck[:, 0] < LOOKED_UP
    bought_at = trips.second[lines.trip]
    before = bought_at[looked] - 60 - (lines.luck[looked, 0] / LOOKED_UP * (DAY - 60)).astype(int)
    user = np.concatenate([wishes.user[wishes.view], lines.user[looked]])
    item = np.concatenate([wishes.item[wishes.view], lines.item[looked]])
    at = starts_at(campaign.period) + np.concatenate([at, before])
    views = {"user_id": user_ids[user], "item_id": item + 1, "time": clock(at)}
    logit = 3 + found.logits[user, item] + PHONE_CLICKS * crowd.traits.phone[user]
    clicked = rng.random(len(user)) < sigmoid(logit)
    clicks = {name: column[clicked] for name, column in views.items()}
    wrote = lines.luck[:, 1] < REVIEWED
    share = lines.luck[wrote, 1] / REVIEWED
    who, what = lines.user[wrote], lines.item[wrote]
    taste = (crowd.people.tastes[who] * world.tastes[what]).sum(axis=1)
    stars = 3.3 + 0.6 * taste + 0.8 * np.sqrt(12) * (other_luck(lines.luck[wrote, 0]) - 0.5)
    reviews = {
        "user_id": user_ids[who],
        "item_id": what + 1,
        "time": clock(
            starts_at(campaign.period) + bought_at[wrote] + DAY + (6 * DAY * share).astype(int)
        ),
        "rating": stars.round().clip(1, 5).astype(int),
    }
    return {"views": views, "clicks": clicks, "reviews": reviews}


def stock(campaign: Round, units: Ints, store: int) -> Columns:
    """What was on hand on the first day of each week."""
    week, item = np.divmod(np.arange(units.size), units.shape[1])
    day = clock(starts_at(campaign.period) + week * 7 * DAY).astype("datetime64[D]")
    return {
        "item_id": item + 1,
        "date": day,
        "store_id": np.full(units.size, store),
        "units": units.ravel(),
    }
