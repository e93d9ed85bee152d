"""What the room `privacy` promises of pseudonyms, seals, budgets, attacks and secure sums."""

import json
from base64 import b64decode, b64encode
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from coupon_rec.privacy import (
    Client,
    Masks,
    Pseudonyms,
    Server,
    Vault,
    VaultError,
    fit_private,
    gaussian_epsilon,
    gaussian_mu,
    membership,
    new_key,
    noisy_count,
    sampled_epsilon,
)
from coupon_rec.privacy.masks import LIMIT, MOST_CLIENTS, from_words, to_words
from coupon_rec.privacy.vault import opened

pytest.importorskip("cryptography")
RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


# Pseudonyms


def test_a_pseudonym_is_the_same_for_a_person_and_another_for_each_key() -> None:
    people = Pseudonyms("s3cret")
    assert people.of(7) == people.of("7") != people.of(8)
    assert people.of(7) != Pseudonyms("other").of(7)
    assert Pseudonyms("").of(7) == 7


def test_after_a_rotation_people_are_found_under_every_key() -> None:
    before, after = Pseudonyms("old"), Pseudonyms("new, old")
    assert after.of(7) == Pseudonyms("new").of(7)
    assert before.of(7) in after.all(7)


# The vault


@pytest.mark.parametrize("place", [0, 5, 20, 40, -1])
def test_a_changed_byte_is_noticed_wherever_it_is(place: int) -> None:
    vault = Vault([new_key()])
    sealed = bytearray(vault.seal(b"milk", "file"))
    sealed[place] ^= 1
    with pytest.raises(VaultError):
        vault.open(bytes(sealed), "file")


def test_bytes_open_under_their_own_name_alone_and_never_twice_the_same() -> None:
    vault = Vault([new_key()])
    assert vault.seal(b"milk", "a") != vault.seal(b"milk", "a")
    with pytest.raises(VaultError, match="b: was changed, or sealed under another name"):
        vault.open(vault.seal(b"milk", "a"), "b")


def test_a_rotation_makes_old_copies_unreadable_and_new_ones_not() -> None:
    old, new = new_key(), new_key()
    copy = Vault([old]).seal(b"milk", "a")
    sealed = Vault([new, old]).reseal(copy, "a")
    assert Vault([new]).open(sealed, "a") == b"milk"
    assert Vault([new, old]).reseal(sealed, "a") is sealed
    with pytest.raises(VaultError, match="COUPON_REC_STORAGE_KEYS"):
        Vault([new]).open(copy, "a")


@pytest.mark.parametrize("key", ["short", "!" * 44, ""])
def test_what_is_no_key_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(VaultError, match="new_key") as error:
        Vault([key])
    assert not key or key not in str(error.value)


def test_what_version_1_0_sealed_is_opened_and_sealed_anew() -> None:
    key = b64encode(b"the key of a test, of 32 bytes..").decode()
    sealed = b64decode("Y3J2MXOROunQMhoz/cis4AHbM1S+jcRqHJMpArHuzIoVrUILBOaZqdgaZKZp")
    vault = Vault([new_key(), key])
    assert vault.open(sealed, "a") == b"milk\n"
    assert vault.current(vault.reseal(sealed, "a")) and not vault.current(sealed)
    for data, name in ((sealed, "b"), (sealed[:-1], "a")):
        with pytest.raises(VaultError, match="was changed"):
            vault.open(data, name)


def test_a_vault_refuses_what_nobody_sealed_unless_it_is_asked_to_seal_it() -> None:
    key = new_key()
    strict, migrating = Vault([key]), Vault([key], plain=True)
    for refused in (strict.open, strict.reseal, lambda *of: opened(*of, strict)):
        with pytest.raises(VaultError, match="receipts/7: is not encrypted, though"):
            refused(b"forged", "receipts/7")
    assert opened(b"old", "receipts/7", migrating) == b"old"
    assert strict.open(migrating.reseal(b"old", "receipts/7"), "receipts/7") == b"old"
    assert opened(b"old", "receipts/7", None) == b"old"


# Budgets


def test_our_epsilons_are_at_least_those_of_the_peer_and_within_a_fifth() -> None:
    rows = json.loads((RESULTS / "privacy.json").read_text())["accountants"]
    assert len(rows) == 13
    for row in rows:
        noise, steps, delta = row["noise"], row["steps"], row["delta"]
        if row["rate"] == 1:
            found = gaussian_epsilon(noise, delta, steps)
            assert found == pytest.approx(row["peer"], abs=1e-5)
        else:
            found = sampled_epsilon(noise, row["rate"], steps, delta)
            assert row["peer"] <= found <= 1.2 * row["peer"]


def test_all_in_every_sample_costs_no_less_than_the_exact_epsilon() -> None:
    exact = gaussian_epsilon(8, 1e-4, 10)
    assert exact <= sampled_epsilon(8, 1.0, 10, 1e-4) <= 1.3 * exact


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 8.0, 60.0])
def test_a_budget_buys_the_noise_that_spends_it(epsilon: float) -> None:
    mu = gaussian_mu(epsilon, 1e-5)
    assert gaussian_epsilon(np.sqrt(40) / mu, 1e-5, 40) == pytest.approx(epsilon, rel=1e-4)


def test_a_count_with_noise_is_as_likely_under_both_neighbors_up_to_the_budget() -> None:
    draws = np.array([noisy_count(0, 0.7, seed=seed) for seed in range(20_000)])
    counts = pd.Series(draws).value_counts()
    for k in (-2, -1, 0, 1):
        ratio = counts[k] / counts[k + 1] if k >= 0 else counts[k + 1] / counts[k]
        assert ratio == pytest.approx(np.exp(0.7), rel=0.12)
    assert abs(draws.mean()) < 0.1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: noisy_count(3, 0), "epsilon is 0: it must be above 0"),
        (lambda: gaussian_epsilon(1, 1.5), "delta is 1.5: it must be between 0 and 1"),
        (
            lambda: gaussian_mu(1e4, 1e-4),
            "epsilon is 10000.0: at this delta it must be at most 5,3",
        ),
        (lambda: fit_private([[1.0]], [1], [7], 0), "epsilon is 0: it must be above 0"),
    ],
)
def test_impossible_budgets_are_refused(call: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()  # type: ignore[operator]


# Learning in private


@pytest.fixture(scope="module")
def shop() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offers of 400 users, of whom some redeem a lot."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(400), 30)
    x = rng.normal(0, 0.5, (users.size, 3))
    p = 1 / (1 + np.exp(2.0 - 2 * x[:, 0] - rng.normal(0, 1, 400)[users]))
    return x, (rng.random(users.size) < p).astype(float), users


def test_without_noise_and_clip_it_is_a_logistic_regression(shop: tuple) -> None:
    from sklearn.linear_model import LogisticRegression

    x, y, users = shop
    mine = fit_private(x, y, users, None, steps=300, clip=1e6, rate=0.1, most=1e6, start=0.2)
    theirs = LogisticRegression(C=1e6).fit(x, y)
    np.testing.assert_allclose(mine.weights[:3], theirs.coef_[0], atol=0.02)
    assert mine.predict(x).sum() == pytest.approx(y.sum(), rel=0.01)


def test_clipped_promises_are_kept_on_average_because_their_level_is_set(shop: tuple) -> None:
    x, y, users = shop
    model = fit_private(x, y, users, None, clip=0.5, rate=0.5, start=0.2)
    assert model.level > 0.05
    assert 0.8 < y.sum() / model.predict(x).sum() < 1.25


def test_one_user_moves_a_private_model_no_further_than_the_noise_hides(shop: tuple) -> None:
    x, y, users = shop
    strange = np.full((500, 3), 10.0)  # five hundred offers, all redeemed
    with_x = np.r_[x, strange]
    with_y, with_users = np.r_[y, np.ones(500)], np.r_[users, np.full(500, 999)]
    options = {"steps": 1, "rate": 1.0, "momentum": 0.0, "start": 0.2, "clip": 1.0}
    bare = fit_private(x, y, users, None, **options)
    moved = fit_private(with_x, with_y, with_users, None, **options)
    far = np.linalg.norm(400 * bare.weights[:3] - 401 * moved.weights[:3])
    assert far <= 1.0 + 1e-6


def test_an_attack_finds_members_only_where_a_model_knows_them() -> None:
    rng = np.random.default_rng(1)
    offers = pd.DataFrame({"user_id": np.arange(400) // 2, "campaign_id": 1})
    offers["member"] = (offers["user_id"] % 2).astype(int)
    knows = membership(offers, 0.2 + 0.6 * offers["member"] + rng.uniform(0, 0.1, 400))
    guesses = membership(offers, rng.random(400))
    assert knows["value"] == 1.0
    assert guesses["low"] < 0.5 < guesses["high"]
    with pytest.raises(ValueError, match="members"):
        membership(offers.assign(member=1), rng.random(400))


# Sums that hide their parts


def test_masks_vanish_in_the_sum_to_the_last_bit_and_hide_each_part() -> None:
    rng = np.random.default_rng(2)
    clients = [Masks(number) for number in range(5)]
    keys = {each.number: each.public for each in clients}
    values = rng.normal(0, 1000, (5, 2000))
    sent = [each.hide(values[each.number], keys, turn=3) for each in clients]
    assert (from_words(sum(sent)) == from_words(sum(to_words(v) for v in values))).all()
    for each, value in zip(sent, values, strict=True):
        assert abs(np.corrcoef(from_words(each), value)[0, 1]) < 0.1
        bits = np.unpackbits(each.view(np.uint8)).mean()
        assert bits == pytest.approx(0.5, abs=0.01)


def test_masks_differ_from_round_to_round_and_three_are_the_fewest() -> None:
    clients = [Masks(number) for number in range(3)]
    keys = {each.number: each.public for each in clients}
    assert (clients[0].hide([1.0], keys, 1) != clients[0].hide([1.0], keys, 2)).all()
    with pytest.raises(ValueError, match="fewer than 3"):
        clients[0].hide([1.0], {0: keys[0], 1: keys[1]}, 3)
    with pytest.raises(ValueError, match="finite"):
        clients[0].hide([np.inf], keys, 4)


def test_the_largest_sum_that_is_allowed_does_not_leave_the_range() -> None:
    for largest in (LIMIT, -LIMIT):
        words = to_words(np.full(MOST_CLIENTS, largest))
        assert from_words(words.sum(keepdims=True)).tolist() == [MOST_CLIENTS * largest]
    with pytest.raises(ValueError, match="at most"):
        to_words([2 * LIMIT])
    keys = dict.fromkeys(range(MOST_CLIENTS + 1), Masks(0).public)
    with pytest.raises(ValueError, match=f"more than {MOST_CLIENTS}"):
        Masks(0).hide([1.0], keys, 1)
    with pytest.raises(ValueError, match=f"more than {MOST_CLIENTS}"):
        Server([Client(number, [].copy) for number in range(MOST_CLIENTS + 1)])


def same(question: np.ndarray) -> np.ndarray:
    return question


def federation(clients: int) -> tuple[Server, list[Client]]:
    """Clients who each answer with the question itself."""
    members = [Client(number, same) for number in range(clients)]
    return Server(members), members


def test_who_dies_is_left_out_of_the_sum_and_not_asked_again() -> None:
    server, clients = federation(5)
    assert server.sum([1.0, 10.0]).tolist() == [5.0, 50.0]
    clients[1].alive = False
    assert server.sum([2.0, 20.0]).tolist() == [8.0, 80.0]
    clients[1].alive = True
    assert server.sum([3.0]) == 12
    assert server.alive == [0, 2, 3, 4] == sorted(server.received)


def test_two_clients_are_too_few() -> None:
    server, clients = federation(3)
    clients[2].alive = False
    with pytest.raises(RuntimeError, match="2 clients are left"):
        server.sum([1.0])
    with pytest.raises(ValueError, match="2 clients: a sum of fewer than 3"):
        federation(2)
    with pytest.raises(ValueError, match="two clients have the number 7"):
        Server([Client(number, same) for number in (1, 7, 7)])


def test_the_same_question_is_not_answered_again_for_fewer() -> None:
    server, clients = federation(5)
    assert server.sum([1.0]) == server.sum([1.0]) == 5
    clients[4].alive = False
    assert server.sum([2.0]) == 8
    assert server.sum([2.0]) == 8  # for the same members, that says nothing new
    with pytest.raises(PermissionError, match="a question once"):
        server.sum([1.0])  # 5 - 4 would be what the fifth sent


def test_a_repeated_question_gives_no_secrets_of_the_dead_away() -> None:
    server, clients = federation(4)
    assert server.sum([1.0]) == 4
    clients[3].alive = False
    with pytest.raises(PermissionError, match="gives no secrets away"):
        server.sum([1.0])


def test_a_client_gives_one_answer_a_round_and_its_secrets_once() -> None:
    _, clients = federation(5)
    first, members, question = clients[0], set(range(5)), np.ones(1)
    first.answer(1, members, question)
    for turn, some in ((1, members), (2, members | {9})):
        with pytest.raises(PermissionError, match="once a round"):
            first.answer(turn, some, 2 * question)
    assert len(first.secrets([4], question)) == 1
    with pytest.raises(PermissionError, match="gives no secrets away"):
        first.secrets([3], question)
    with pytest.raises(PermissionError, match="in a federation already"):
        first.join({0: b"", 1: b"", 2: b""})
