"""What happens in one campaign to a block of users: trips, wishes, coupons and purchases.

Each kind of chance has a generator of its own, and what it draws does not depend on what is sent:
two policies meet the same users, on the same trips, in the same mood.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.stats import poisson

from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.likely import Likely
from coupon_rec.simulation.model import DAY, WEEKS, Bools, Floats, Ints, softplus, wished
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.users import Crowd, Traits
from coupon_rec.simulation.world import STORES

BROWSING = 0.2
"""Views of an item at leisure, for each purchase that its price would bring."""
GOLDEN = 0.6180339887
"""A step around the circle that spreads the trips of further purchases of one item."""

Lines = dict[str, np.ndarray]
"""Purchase lines as columns: `user`, `trip`, `item`, `units`, the `slot` of the campaign that
covers the item, or -1, and `luck` in [0, 1), of looking it up and of writing about it; shapes
(lines,) and (lines, 2)."""


def generators(nature: Nature, period: int, first: int) -> dict[str, Generator]:
    """Seed each kind of chance by the market, the campaign and the first user of the block."""
    seeds = np.random.SeedSequence(nature.settings.seed, spawn_key=(5, period, first)).spawn(6)
    kinds = ("trips", "wishes", "coupons", "sending", "place", "telling")
    return dict(zip(kinds, map(np.random.default_rng, seeds), strict=True))


@dataclass(frozen=True)
class Trips:
    """The trips of a block in a period, in order of user and time.

    Attributes
    ----------
    counts, first : numpy.ndarray
        How many each user makes, and the number of the first; shape (n,).
    user, second, store : numpy.ndarray
        Of each trip; seconds count from the period's first day.
    """

    counts: Ints
    first: Ints
    user: Ints
    second: Ints
    store: Ints

    def at(self, user: Ints, place: Floats) -> Ints:
        """The trips of users that lie at these places, in [0, 1), among all of theirs."""
        return np.asarray(self.first[user] + (place * self.counts[user]).astype(int))


@dataclass(frozen=True)
class Happened:
    """A campaign as it happened to n users; K coupons, S slots.

    Attributes
    ----------
    trips, lines : Trips, dict of str to numpy.ndarray
        When they shopped, and what they bought.
    views : numpy.ndarray
        Users, items and seconds of what they look at without buying it; shape (3, views).
    sent : dict of str to numpy.ndarray
        `offered`, `bought_without`, `bought_with`, `redeemed_with` as in `truth.candidates`;
        shape (n, K).
    used : numpy.ndarray
        The coupon that each user redeems for each slot, or -1; shape (n, S + 1), where the last
        column stands for lines without a slot.
    likely : Likely
        What was likely.
    mailing, within : numpy.ndarray
        The probabilities of each mailing and, within it, of each coupon; shapes (n,) and (n, K).
    """

    trips: Trips
    lines: Lines
    views: Ints
    sent: dict[str, Bools]
    used: Ints
    likely: Likely
    mailing: Floats
    within: Floats


def happen(
    rngs: dict[str, Generator],
    nature: Nature,
    campaign: Round,
    crowd: Crowd,
    sending: tuple[Floats, Floats] | None,
) -> Happened:
    """Let a campaign happen, in period 0 without mail.

    `sending` holds the probabilities of each mailing and, within it, of each coupon; if left out,
    they are the retailer's own.
    """
    likely = Likely(rngs["place"], nature, campaign, crowd)
    mailing, within = sending or (likely.mailed * (campaign.period > 0), likely.offered)
    traits, slots = crowd.traits, len(campaign.kinds)
    trips = draw_trips(rngs["trips"], crowd, "supply" in nature.mechanisms)
    usual, views = draw_wishes(rngs, nature, campaign, crowd, likely, trips)
    offered = draw_offers(rngs["sending"], campaign, mailing, within)
    looks, tells = (rngs[kind].random((len(offered), slots)) for kind in ("coupons", "telling"))
    seen = looks[:, campaign.slot] < likely.noticed
    without, with_coupon, lost = despite_coupons(campaign, likely, usual, seen, offered)
    if "substitution" in nature.mechanisms:
        share = switched(nature, campaign, likely, usual, seen & offered)
        lost |= usual["level"] >= softplus(usual["logit"]) * (1 - share)
    added, more = added_lines(rngs["coupons"], campaign, likely, trips, seen, offered)
    added_key, usual_key = (
        each["trip"] * len(campaign.cut) + each["item"] for each in (added, usual)
    )
    new = usual_key.searchsorted(added_key) == usual_key.searchsorted(added_key, "right")
    lines = {name: np.concatenate([usual[name][~lost], added[name][new]]) for name in added}
    with_coupon |= more
    if traits.collector.any():
        with_coupon[traits.collector] = (without[traits.person] & seen)[traits.collector]
        without[traits.collector] = False
        lines["user"] = collected(lines, traits, campaign, offered & seen)
    redeemed = with_coupon & seen & (tells[:, campaign.slot] < likely.told)
    used = np.full((len(offered), slots + 1), -1)
    who, pair = np.nonzero(offered & redeemed)
    used[who, campaign.slot[pair]] = pair
    sent = {
        "offered": offered,
        "bought_without": without,
        "bought_with": with_coupon,
        "redeemed_with": redeemed,
    }
    return Happened(trips, lines, views, sent, used, likely, mailing, within)


def chosen(lines: Lines, rows: Bools | Ints) -> Lines:
    """Some of the lines."""
    return {name: column[rows] for name, column in lines.items()}


def first_of_each(key: Ints) -> Ints:
    """The first line of each trip and item, in their order."""
    return np.asarray(np.unique(key, return_index=True)[1])


def draw_trips(rng: Generator, crowd: Crowd, one_store: bool) -> Trips:
    """Draw when and where each user shops: mostly in the afternoon, mostly or only in one store."""
    counts = rng.poisson(WEEKS * crowd.people.trips)
    counts[crowd.traits.collector] = 0
    user = np.repeat(np.arange(len(counts)), counts)
    hour = np.clip(15.5 + 3.5 * rng.standard_normal(len(user)), 6, 23.9)
    second = (rng.integers(0, WEEKS * 7, len(user)) * DAY + hour * 3600).astype(int)
    away = rng.random(len(user)) < (0.0 if one_store else 0.25)
    return Trips(
        counts=counts,
        first=np.cumsum(counts) - counts,
        user=user,
        second=second[np.lexsort((second, user))],
        store=np.where(away, rng.integers(1, STORES + 1, len(user)), crowd.usual_store[user]),
    )


def draw_wishes(
    rngs: dict[str, Generator],
    nature: Nature,
    campaign: Round,
    crowd: Crowd,
    likely: Likely,
    trips: Trips,
) -> tuple[Lines, Ints]:
    """Draw what users would buy if they were sent nothing, and what they only look at.

    Drawn at the rates of `wished`, then thinned to those of what users remember.

    Returns
    -------
    lines : dict of str to numpy.ndarray
        One of each trip and item, in their order. Also `level`, which the rate of the item is
        above as long as the line is bought, and `logit`, which this rate comes from.
    views : numpy.ndarray
        As in `Happened`.
    """
    rng, items = rngs["wishes"], len(campaign.cut)
    logits = crowd.shelf_logits(campaign.slope, campaign.drift)
    user, item = draw_cells(rng, wished(logits), trips, 1 + BROWSING)
    trip = trips.at(user, rng.random(len(user)))
    logit = logits[user, item].astype("float64")
    level = rng.random(len(user)) * wished(logit)
    luck = rng.random((len(user), 3))
    look = rng.random(len(user)) < BROWSING / (1 + BROWSING)
    z = logit - likely.memory[user, nature.kind[item]]
    views = draw_looks(rngs["place"], nature, campaign, crowd, trips, (user, item, look))
    keep = np.flatnonzero(~look & (level < softplus(z)))
    keep = keep[first_of_each(trip[keep] * items + item[keep])]
    lines = {
        "user": user[keep],
        "trip": trip[keep],
        "item": item[keep],
        "units": units_of(luck[keep, 0], campaign.units[item[keep]]),
        "slot": campaign.slot_of_item[item[keep]],
        "luck": luck[keep, 1:],
        "level": level[keep],
        "logit": z[keep],
    }
    return lines, views


def draw_looks(
    rng: Generator,
    nature: Nature,
    campaign: Round,
    crowd: Crowd,
    trips: Trips,
    wishes: tuple[Ints, Ints, Bools],
) -> Ints:
    """Draw what users look at without buying it: `Happened.views`.

    With mechanisms, the wishes that are marked; without, items by the best price of the year.
    """
    user, item, look = wishes
    second = rng.integers(0, WEEKS * 7 * DAY, len(user))
    if not nature.mechanisms:
        logits = crowd.shelf_logits(campaign.best, campaign.drift)
        user, item = draw_cells(rng, wished(logits), trips, BROWSING)
        z = logits[user, item]
        look = rng.random(len(user)) * wished(z) < softplus(z)
        second = rng.integers(0, WEEKS * 7 * DAY, len(user))
    return np.stack([user[look], item[look], second[look]])


def draw_cells(rng: Generator, rate: Floats, trips: Trips, share: float) -> tuple[Ints, Ints]:
    """Draw users and items as often as a share of these rates a trip says, in order."""
    n, items = rate.shape
    ends = rate.astype("float64").ravel()
    np.cumsum(ends, out=ends)  # in place: asking for memory anew takes longer than adding up
    end = ends[items - 1 :: items]
    total = np.diff(end, prepend=0.0)
    user = np.repeat(np.arange(n), rng.poisson(trips.counts * total * share))
    at = np.sort(end[user] - rng.random(len(user)) * total[user])  # sorted: found faster
    return user, (np.searchsorted(ends, at) - user * items).clip(0, items - 1)


def draw_offers(rng: Generator, campaign: Round, mailing: Floats, within: Floats) -> Bools:
    """Draw the mailing and, within it, at most one coupon of each type; shape (n, K)."""
    mailed = rng.random(len(mailing)) < mailing
    u = rng.random((len(mailing), len(campaign.kinds)))
    offered, reached = np.zeros(within.shape, bool), np.zeros_like(u)
    for pair, slot in enumerate(campaign.slot):
        low, high = reached[:, slot], reached[:, slot] + within[:, pair]
        offered[:, pair] = mailed & (low <= u[:, slot]) & (u[:, slot] < high)
        reached[:, slot] = high
    return offered


def despite_coupons(
    campaign: Round, likely: Likely, lines: Lines, seen: Bools, offered: Bools
) -> tuple[Bools, Bools, Bools]:
    """What is bought without each coupon, what of it with the coupon, and the lines that it costs.

    Of shapes (n, K), (n, K) and (lines,). A coupon that annoys costs purchases.
    """
    without, kept = np.zeros_like(offered), np.zeros_like(offered)
    lost = np.zeros(len(lines["user"]), bool)
    covered = np.flatnonzero(lines["slot"] >= 0)
    place, pair = np.nonzero(lines["slot"][covered, None] == campaign.slot)
    row = covered[place]
    user = lines["user"][row]
    lower = np.where(seen[user, pair], np.minimum(likely.lift[user, pair], 0.0), 0.0)
    stays = lines["level"][row] < softplus(lines["logit"][row] + lower)
    without[user, pair] = True
    kept[user[stays], pair[stays]] = True
    lost[row[~stays & offered[user, pair]]] = True
    return without, kept, lost


def added_lines(
    rng: Generator, campaign: Round, likely: Likely, trips: Trips, seen: Bools, offered: Bools
) -> tuple[Lines, Bools]:
    """Purchases that a coupon adds: the lines of those with an offer, and whether each would.

    All coupons of a type draw from the same luck, so that a deeper one adds to what a shallower
    one does.
    """
    shape = likely.rate.shape
    u, place, luck = rng.random(shape), rng.random(shape), rng.random((*shape, 3))
    more = np.maximum(likely.lifted - likely.rate[:, campaign.row], 0) * trips.counts[:, None]
    times = poisson_of(u[:, campaign.row], more * seen[:, campaign.pair])
    user, cell = np.nonzero(times)
    would = np.zeros_like(offered)
    would[user, campaign.pair[cell]] = True
    sent = offered[user, campaign.pair[cell]]
    user, cell = user[sent], cell[sent]
    many = times[user, cell]
    turn = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    user, row = np.repeat(user, many), np.repeat(campaign.row[cell], many)
    item, luck = campaign.item[row], luck[user, row]
    lines = {
        "user": user,
        "trip": trips.at(user, (place[user, row] + turn * GOLDEN) % 1),
        "item": item,
        "units": units_of(luck[:, 0], campaign.units[item]),
        "slot": campaign.slot_of_row[row],
        "luck": luck[:, 1:],
    }
    return chosen(lines, first_of_each(lines["trip"] * len(campaign.cut) + item)), would


def switched(nature: Nature, campaign: Round, likely: Likely, lines: Lines, sent: Bools) -> Floats:
    """The probability that a coupon of another type of the category takes a line; (lines,)."""
    categories = nature.category.max() + 1
    taken, kind_of = np.zeros((len(sent), categories)), np.full(categories, -1)
    of_pair = nature.category_of(campaign.kind)
    who, pair = np.nonzero(sent)
    taken[who, of_pair[pair]] = likely.taken[who, pair]
    kind_of[of_pair] = campaign.kind
    category = nature.category[lines["item"]]
    other = nature.kind[lines["item"]] != kind_of[category]
    return np.asarray(taken[lines["user"], category] * other)


def collected(lines: Lines, traits: Traits, campaign: Round, noticed: Bools) -> Ints:
    """Who buys each line, where an account that collects holds a coupon that its person has not."""
    account = np.full(len(traits.person), -1)
    account[traits.person[traits.collector]] = np.flatnonzero(traits.collector)
    holds = np.zeros((len(noticed), len(campaign.kinds) + 1), bool)  # the last: of no slot
    who, pair = np.nonzero(noticed)
    holds[who, campaign.slot[pair]] = True
    user, slot = lines["user"], lines["slot"]
    other = account[user]
    moved = (other >= 0) & holds[other, slot] & ~holds[user, slot]
    return np.where(moved, other, user)


def poisson_of(u: Floats, mean: Floats) -> Ints:
    """The Poisson counts that numbers in [0, 1) stand for."""
    counts = np.zeros(u.shape, int)
    some = u >= np.exp(-mean)
    counts[some] = poisson.ppf(u[some], mean[some])
    return counts


def units_of(u: Floats, mean: Floats) -> Ints:
    """The geometric number of units, 1 or more, that a number in [0, 1) stands for."""
    more = np.maximum(1 - 1 / mean, 1e-12)
    return 1 + np.floor(np.log1p(-u) / np.log(more)).astype(int)
