import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import caps
from ..rules.caps import Grant

D = Decimal

limits = st.decimals(min_value=0, max_value=10**5, places=2)
values = st.decimals(min_value=0, max_value=10**5, places=2)
signed = st.decimals(min_value=-(10**5), max_value=10**5, places=2)
policies = st.sampled_from(["write_down", "park", "notify"])
strict_policies = st.sampled_from(["write_down", "park"])
percentages = st.lists(st.sampled_from([D(x) for x in (10, 50, 75, 80, 90, 100, 110)]), max_size=8)


class TestGrant(unittest.TestCase):
    """What a not-to-exceed limit lets through."""

    def check(self, cases, policy="write_down"):
        for (limit, used, value), (granted, excess) in cases.items():
            self.assertEqual(
                caps.grant(limit, used, value, policy),
                Grant(D(granted), D(excess)),
                (limit, used, value),
            )

    def test_6_1_adjusted_for_cap(self):
        """Cap 6,000, 5,000 billed, 1,500 new: 1,000 billed, 500 written down (OpenAir)."""
        self.check({(6000, 5000, 1500): (1000, 500)})

    def test_6_1_parked(self):
        """Without the adjustment OpenAir bills none of it; we park only what does not fit."""
        self.check({(6000, 5000, 1500): (1000, 500), (6000, 6000, 1500): (0, 1500)}, "park")

    def test_6_2_hard_cap(self):
        """The table of Alga's tests, in cents."""
        self.check(
            {
                (10000, 8500, 2000): (1500, 500),
                (10000, 8000, 2000): (2000, 0),
                (10000, 10000, 2000): (0, 2000),
                (10000, 2000, 0): (0, 0),
                (0, 0, 2000): (0, 2000),
            }
        )

    def test_2_9_straddle(self):
        """10,000 of which 8,500 are used, 2,000 more: 1,500 and 500."""
        self.check({(10000, 8500, 2000): (1500, 500)}, "park")

    def test_limit_lowered_below_what_is_used(self):
        """Nothing more fits, and nothing is taken back."""
        for policy in ("write_down", "park"):
            self.check({(5000, 8000, 100): (0, 100)}, policy)

    def test_notify(self):
        """Everything is billed, the excess only says how much of it lies above the limit."""
        self.check(
            {
                (10000, 8500, 2000): (2000, 500),
                (10000, 8000, 2000): (2000, 0),
                (10000, 12000, 2000): (2000, 2000),
                (0, 0, 2000): (2000, 2000),
            },
            "notify",
        )

    def test_credits_pass_whole(self):
        """A credit is no charge: it passes even where the limit is used up or none."""
        for policy in ("write_down", "park", "notify"):
            self.check(
                {(10000, 10000, -300): (-300, 0), (0, 0, -300): (-300, 0), (100, 0, -5): (-5, 0)},
                policy,
            )

    def test_a_net_credit_is_room(self):
        """More credited than billed so far: the limit is for the sum."""
        self.check({(1000, -200, 1500): (1200, 300)})

    def test_floats_are_read_as_written(self):
        """0.3 less 0.1 leaves two tenths, not a little less."""
        self.check({(0.3, 0.1, 0.5): ("0.2", "0.3")})

    def test_refused(self):
        """An unknown policy is an error, also for a credit."""
        for value in (5, -5):
            with self.assertRaisesRegex(ValueError, "policy 'ignore'"):
                caps.grant(10, 0, value, "ignore")

    @given(limits, signed, signed, policies)
    def test_nothing_is_lost(self, limit, used, value, policy):
        """Granted and excess make the value; under notify all of it is granted."""
        result = caps.grant(limit, used, value, policy)
        self.assertGreaterEqual(result.excess, 0)
        if policy == "notify":
            self.assertEqual(result.granted, value)
            self.assertEqual(result.excess, caps.grant(limit, used, value, "write_down").excess)
        else:
            self.assertEqual(result.granted + result.excess, value)

    @given(limits, signed, values, values, strict_policies)
    def test_more_work_is_never_granted_less(self, limit, used, value, more, policy):
        """The grant grows with the value and stays within it."""
        small = caps.grant(limit, used, value, policy)
        large = caps.grant(limit, used, value + more, policy)
        self.assertLessEqual(small.granted, large.granted)
        self.assertLessEqual(0, small.granted)
        self.assertLessEqual(small.granted, value)


class TestGrantEach(unittest.TestCase):
    """Several items under one limit."""

    def check(self, policy, items, expected, limit=100, used=0):
        grants = caps.grant_each(limit, used, items, policy)
        self.assertEqual([(item.granted, item.excess) for item in grants], expected)

    def test_in_the_order_given(self):
        """The first come first, the one that straddles is split, the rest get nothing."""
        self.check("write_down", [60, 60, 10], [(60, 0), (40, 20), (0, 10)])
        self.check("park", [10, 60, 60], [(10, 0), (60, 0), (30, 30)])

    def test_what_is_used_counts(self):
        """80 of 100 used before."""
        self.check("write_down", [10, 60], [(10, 0), (10, 50)], used=80)

    def test_a_credit_makes_room_behind_it(self):
        """Not before it."""
        self.check("write_down", [120, -30, 50], [(100, 20), (-30, 0), (30, 20)])

    def test_notify_counts_on(self):
        """What is billed above the limit uses it too: a small credit makes no room then."""
        self.check("notify", [90, 30, -10, 5], [(90, 0), (30, 20), (-10, 0), (5, 5)])

    def test_floats_are_read_as_written(self):
        """0.1 of 0.3 used: two tenths fit."""
        self.check("park", [0.1, 0.2], [(D("0.1"), 0), (D("0.1"), D("0.1"))], limit=0.3, used=0.1)

    def test_nothing(self):
        """No items, no grants."""
        self.check("park", [], [])

    @given(limits, values, st.lists(signed, max_size=10), strict_policies, st.data())
    def test_never_above_the_limit(self, limit, used, items, policy, data):
        """In any order, at no time is more used than the limit or than was used before."""
        items = data.draw(st.permutations(items))
        top = max(limit, used)
        for item in caps.grant_each(limit, used, items, policy):
            used += item.granted
            self.assertLessEqual(used, top)
            top = max(limit, used)

    @given(limits, values, st.lists(values, max_size=10), strict_policies, st.data())
    def test_the_sum_does_not_depend_on_the_order(self, limit, used, items, policy, data):
        """The order says who is granted, never how much in all: what fits, to the last cent."""
        shuffled = data.draw(st.permutations(items))
        grants = caps.grant_each(limit, used, shuffled, policy)
        fits = min(sum(items, D(0)), max(limit - used, D(0)))
        self.assertEqual(sum((item.granted for item in grants), D(0)), fits)


class TestCrossed(unittest.TestCase):
    """Warnings at percentages of the limit."""

    def check(self, before, after, thresholds, expected, sent=(), limit=10000):
        self.assertEqual(caps.crossed(limit, before, after, thresholds, sent), expected)

    def test_6_3_threshold_alerts(self):
        """The cases of Alga's tests, for a limit of 10,000."""
        self.check(4999, 9000, [80, 50, 100], [80, 50])
        self.check(4000, 9000, [50, 50, 75, 80, 80], [80], sent=[50, 75])
        self.check(0, 5000, [50], [50])
        self.check(5000, 7500, [50, 75], [75])
        self.check(6000, 5000, [50], [])

    def test_not_reached(self):
        """A cent below a threshold is below it."""
        self.check(0, D("4999.99"), [50], [])

    def test_duplicates(self):
        """Configured twice, in whatever notation, told once."""
        self.check(0, 9000, [80, 50, D("80.0"), 50], [80, 50])
        self.check(0, 9000, [80], [], sent=[80.0])

    def test_above_the_limit(self):
        """A hard stop at 130 % is a threshold like others (omb.cloud)."""
        self.check(9000, 13000, [100, 110, 130, 131], [100, 110, 130])

    def test_no_limit(self):
        """Of nothing there are no percentages."""
        self.check(0, 5000, [0, 50], [], limit=0)
        self.check(-5, 5000, [0, 50], [], limit=0)

    def test_standing_still(self):
        """No step, no warning, though the threshold is reached."""
        self.check(5000, 5000, [50], [])

    def test_floats_are_read_as_written(self):
        """10 % of 0.3 is 0.03 and reached, 0.1 % of it is out already."""
        self.check(0.0, 0.03, [10.0, 0.1], [10], sent=[D("0.1")], limit=0.3)

    @given(limits, st.lists(values, min_size=1, max_size=6), percentages)
    def test_each_once(self, limit, steps, thresholds):
        """However many steps it takes, each threshold that is reached fires once."""
        used, sent = D(0), []
        for step in steps:
            fired = caps.crossed(limit, used, used + step, thresholds, sent)
            self.assertEqual(fired, sorted(fired, key=thresholds.index))
            used += step
            sent += fired
        reached = {mark for mark in thresholds if limit and used * 100 >= limit * mark}
        self.assertEqual(sorted(sent), sorted(reached))
