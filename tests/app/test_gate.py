"""The gate: bounds, shares, budgets, and what becomes of a newer request."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdm.app.budget import KEYS, Budget
from pdm.app.gate import AT_WORK, MAX_PRICE, Gate, RefusedError, Visitor, price

FOUR, SIXTY_FOUR = price(4, 10), price(64, 10)


def test_a_price_counts_the_calls_of_the_net():
    assert (price(4, 10), price(4, 10, 1), price(4, 10, 2)) == (80, 40, 80)
    assert price(4, 10, 1, others=2) == price(4, 10, 2, others=2) == 160  # null, the first one and two beside it
    assert price(4, 10, 2, strength=0.5) == 40 and price(1, 10, 1, strength=0.01) == 1
    for wrong in ("many", None, float("nan"), -3, True):
        assert price(4, 10, others=wrong) == 80 and 8 <= price(4, 10, strength=wrong) <= 80


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def visitor(n, session="s"):
    return Visitor(f"10.0.0.{n}", session)


def served(gate, running):
    """All that waits, in the order in which it runs."""
    order = []
    while running is not None:
        order.append(running)
        before = set(gate._running)
        gate.leave(running)
        running = next((t for t in gate._running if t not in before or t is not running), None)
    return order


def test_one_runs_and_the_others_wait_for_it():
    gate = Gate()
    first, second = gate.enter(visitor(1), FOUR), gate.enter(visitor(2), FOUR)
    assert (first.state, second.state) == ("running", "waiting")
    assert (gate.before(first), gate.before(second)) == (0, 1)
    gate.leave(first)
    assert (first.state, second.state) == ("done", "running")
    gate.leave(second)
    assert len(gate) == 0


def test_four_pictures_come_before_sixty_four_that_were_asked_for_earlier():
    gate = Gate()
    running = gate.enter(visitor(1), FOUR)
    dear, cheap = gate.enter(visitor(2), SIXTY_FOUR), gate.enter(visitor(3), FOUR)
    assert served(gate, running) == [running, cheap, dear]


def test_cheap_comes_before_dear_at_one_address_too():
    gate = Gate()
    running = gate.enter(visitor(1, "a"), FOUR)
    dear, cheap = gate.enter(visitor(1, "b"), SIXTY_FOUR), gate.enter(visitor(1, "c"), FOUR)
    assert served(gate, running) == [running, cheap, dear]


def test_a_dear_request_is_put_off_for_its_own_price_and_no_longer():
    gate = Gate(a_minute=1e9)
    running = gate.enter(visitor(1), FOUR)
    dear = gate.enter(visitor(2), SIXTY_FOUR)
    work = 0
    while dear.state == "waiting":  # a visitor who never stops asking
        following = gate.enter(visitor(1), FOUR, newer="replaces")
        gate.leave(running)
        work += FOUR
        running = next(t for t in (following, dear) if t.state == "running")
    assert work <= SIXTY_FOUR + 2 * FOUR


def test_sessions_of_one_address_share_its_share():
    gate = Gate()
    running = gate.enter(visitor(9), FOUR)
    greedy = [gate.enter(visitor(1, f"s{i}"), FOUR) for i in range(10)]
    alone = gate.enter(visitor(2), FOUR)
    assert served(gate, running).index(alone) <= 2
    assert all(t.state == "done" for t in greedy)


def test_of_one_visitor_a_newer_one_takes_the_place_or_is_refused():
    gate, told = Gate(), []
    gate.enter(visitor(1), FOUR)
    older = gate.enter(visitor(2), FOUR, changed=lambda: told.append("older"))
    behind = gate.enter(visitor(3), FOUR)
    newer = gate.enter(visitor(2), FOUR, newer="replaces")
    assert (older.state, newer.state, told) == ("replaced", "waiting", ["older"])
    assert gate.before(newer) == 1 and gate.before(behind) == 2  # it did not lose the place
    with pytest.raises(RefusedError, match="wait for the first"):
        gate.enter(visitor(2), FOUR)
    gate.leave(older)
    assert older.state == "replaced"


def test_of_a_visitor_one_runs_and_of_those_that_run_half_may_be_dear():
    gate = Gate(running=4)
    enter = lambda n, price: gate.enter(visitor(n), price)  # noqa: E731
    first, dear, dearer = enter(1, FOUR), enter(2, SIXTY_FOUR), enter(3, SIXTY_FOUR)
    second, third, cheap = enter(1, FOUR), enter(4, SIXTY_FOUR), enter(5, FOUR)
    assert [t.state for t in (first, dear, dearer, cheap)] == ["running"] * 4
    assert [t.state for t in (second, third)] == ["waiting"] * 2
    gate.leave(cheap)
    assert (second.state, third.state) == ("waiting", "waiting")
    gate.leave(first)
    assert (second.state, third.state) == ("running", "waiting")
    gate.leave(dear)
    assert third.state == "running"


def test_of_an_address_eight_run_and_somebody_elses_comes_before_the_ninth():
    gate = Gate(running=64)
    eight = [gate.enter(visitor(1, f"s{i}"), FOUR) for i in range(AT_WORK)]
    ninth, other = gate.enter(visitor(1, "s9"), FOUR), gate.enter(visitor(2), FOUR)
    assert {t.state for t in (*eight, other)} == {"running"} and ninth.state == "waiting"
    gate.leave(eight[0])
    assert ninth.state == "running"


def test_bounds_of_one_address_and_of_all():
    gate = Gate(waiting=5, of_address=3)
    gate.enter(visitor(1), FOUR)
    for i in range(3):
        gate.enter(visitor(2, f"s{i}"), FOUR)
    with pytest.raises(RefusedError, match="3 requests are waiting"):
        gate.enter(visitor(2, "one more"), FOUR)
    gate.enter(visitor(3), FOUR)
    gate.enter(visitor(4), FOUR)
    with pytest.raises(RefusedError, match="5 requests"):
        gate.enter(visitor(5), FOUR)


def test_a_budget_lets_one_dear_request_through_and_then_asks_to_wait():
    clock = Clock()
    gate = Gate(a_minute=600, clock=clock)
    gate.leave(gate.enter(visitor(1), 1200))
    with pytest.raises(RefusedError, match="wait 61 seconds"):
        gate.enter(visitor(1, "another session"), FOUR)
    gate.leave(gate.enter(visitor(2), FOUR))
    clock.now = 61
    gate.leave(gate.enter(visitor(1), FOUR))


def test_what_never_ran_costs_nothing():
    gate = Gate(a_minute=600, clock=Clock())
    gate.enter(visitor(1), FOUR)
    for _ in range(50):
        gate.enter(visitor(2), 1200, newer="replaces")
    assert gate.budget.left(visitor(2).address, 0) == 600


@pytest.mark.parametrize(
    ("count", "steps", "guidance", "expected"),
    [(4, 10, 1, 40), (4, 10, 1.5, 80), (4, 10, None, 80), ("4", 10, 1, 1), (None, None, None, 1), (-5, 0, 1, 1)],
)
def test_a_price_is_what_the_net_is_asked_for(count, steps, guidance, expected):
    assert price(count, steps, guidance) == expected
    assert price(float("inf"), 1e300) == MAX_PRICE and price(float("nan"), 3) == 1


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from("abc"), st.floats(1, 2000), st.booleans()), max_size=40))
def test_whatever_comes_everything_let_in_runs_once_and_nothing_is_left(requests):
    gate = Gate(waiting=8, of_address=4, clock=Clock(), a_minute=1e9)
    tickets = []
    for n, session, cost, leaves in requests:
        try:
            tickets.append(gate.enter(visitor(n, session), cost, newer="replaces"))
        except RefusedError:
            pass
        assert len(gate._running) <= 1 and len(gate._waiting) <= 8
        assert bool(gate._running) == (len(gate) > 0)
        waiting = [gate.before(t) for t in gate._waiting]
        assert sorted(waiting) == list(range(1, len(waiting) + 1))
        if leaves and gate._running:
            gate.leave(gate._running[0])
    while len(gate):
        gate.leave(gate._running[0])
    assert all(t.state in ("done", "replaced") for t in tickets)
    assert not gate._backlog and not gate._visitors


def test_threads_never_run_two_at_once():
    gate, inside, worst = Gate(waiting=100, of_address=100, a_minute=1e9), [], []

    def visit(n):
        ready = threading.Event()
        ticket = gate.enter(visitor(n % 7, str(n)), FOUR, changed=ready.set)
        if ticket.state == "waiting":
            assert ready.wait(20)
        inside.append(n)
        worst.append(len(inside))
        inside.remove(n)
        gate.leave(ticket)

    threads = [threading.Thread(target=visit, args=(n,)) for n in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(worst) == 60 and max(worst) == 1 and len(gate) == 0


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), max_size=30))
def test_no_more_than_a_budget_and_one_debt_is_ever_spent(spent):
    budget, now, total = Budget(60), 0.0, 0.0
    for wait, units in spent:
        now += wait
        total += units if budget.spend("a", units, now) else 0
    assert total <= 60 + now + 50 + 1e-6


def test_a_budget_forgets_who_was_not_heard_of():
    budget = Budget(10)
    for k in range(KEYS + 5):
        budget.spend(str(k), 1, 0.0)
    assert len(budget._left) == KEYS
