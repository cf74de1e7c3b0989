"""The fourteen engagements of the demonstration: what was agreed, with whom, and the tasks."""

from typing import NamedTuple

from .calendar import Day


class Part(NamedTuple):
    """An instalment billed from `due`, or a milestone due then."""

    name: str
    percentage: float
    due: Day
    reached: Day | None = None
    accepted: Day | None = None


class Record(NamedTuple):
    """What was complete (percent), used or reached by `day`."""

    name: str
    day: Day
    value: float


class Line(NamedTuple):
    """An order line; `product` gives the billing rule: see service_demo.xml.

    Time billed `by_role` takes the rates of the cards. `tiers` are prices by volume, `records` the
    progress claims, usage or outcomes, `terms` more fields of the line.
    """

    product: str
    name: str
    price: float
    quantity: float = 1
    discount: float = 0
    parts: tuple[Part, ...] = ()
    by_role: bool = False
    tiers: tuple[tuple[float, float], ...] = ()
    records: tuple[Record, ...] = ()
    terms: tuple[tuple[str, object], ...] = ()


class Task(NamedTuple):
    """`line` is the place of its order line, `work` the kind of work, see narratives.py."""

    name: str
    line: int
    work: str


class Engagement(NamedTuple):
    key: str
    client: str
    name: str
    manager: str
    purchase_order: str
    lines: tuple[Line, ...]
    tasks: tuple[Task, ...] = ()
    approval: str = "none"
    acceptance: bool = False
    pricelist: str = "pricelist_usd"
    terms: tuple[tuple[str, object], ...] = ()
    deposit: float = 0


ENGAGEMENTS = (
    Engagement(
        key="rollout",
        client="brightwater",
        name="Finance system rollout",
        manager="daniel",
        purchase_order="PO 45-20817",
        lines=(
            Line("hour", "Consultants", 185, 1200, by_role=True),
            Line("hour", "Solution architect", 225, 700),
        ),
        terms=(
            ("billing_cap_amount", 480000),
            ("billing_cap_policy", "park"),
            ("billing_detail", "role"),
            ("time_rounding", "nearest"),
            ("time_increment", 15),
            ("time_minimum", 15),
        ),
        tasks=(
            Task("Chart of accounts and reporting", 0, "finance"),
            Task("Migration of balances and open items", 0, "data"),
            Task("Integrations", 1, "architecture"),
        ),
    ),
    Engagement(
        key="support",
        client="brightwater",
        name="Reporting support",
        manager="daniel",
        purchase_order="PO 45-19340",
        lines=(Line("hour", "Reporting support", 150, 400, discount=10),),
        tasks=(Task("Support requests", 0, "support"),),
    ),
    Engagement(
        key="warehouse",
        client="calloway",
        name="Warehouse redesign",
        manager="daniel",
        purchase_order="CL-7731",
        lines=(Line("day", "Process consultants", 1480, 90),),
        tasks=(
            Task("Process mapping", 0, "process"),
            Task("Pilot in the Memphis warehouse", 0, "process"),
        ),
    ),
    Engagement(
        key="tender",
        client="calloway",
        name="Freight tender",
        manager="daniel",
        purchase_order="CL-7802",
        lines=(
            Line(
                "fee",
                "Tender documents and evaluation",
                22000,
                parts=(
                    Part("Tender documents sent out", 50, Day(-2, 8)),
                    Part("Evaluation of the bids", 50, Day(1, 12)),
                ),
            ),
            Line(
                "milestone",
                "Success fee on confirmed savings",
                15000,
                parts=(Part("Savings confirmed by the controller", 100, Day(2, 20)),),
            ),
        ),
        tasks=(Task("Tender", 0, "tender"),),
    ),
    Engagement(
        key="close",
        client="northgate",
        name="Faster month-end close",
        manager="ingrid",
        purchase_order="NCU 2291",
        lines=(
            Line(
                "fee",
                "Redesign of the month-end close",
                84000,
                parts=(
                    Part("On signing", 30, Day(-4, 6)),
                    Part("Close calendar agreed", 30, Day(-2, 14)),
                    Part("First close on the new calendar", 25, Day(-1, 22)),
                    Part("Handover", 15, Day(1, 15)),
                ),
            ),
            Line("hour", "Change requests", 195, 320),
        ),
        tasks=(
            Task("Close calendar and reconciliations", 0, "close"),
            Task("Change requests", 1, "close"),
        ),
    ),
    Engagement(
        key="selection",
        client="harbor",
        name="Patient billing system",
        manager="ingrid",
        purchase_order="HRM-0418",
        acceptance=True,
        lines=(
            Line(
                "milestone",
                "Selection of a patient billing system",
                72000,
                parts=(
                    Part("Requirements signed off", 25, Day(-3, 10), Day(-3, 9), Day(-3, 17)),
                    Part("Shortlist of vendors", 35, Day(-1, 20), Day(-1, 19)),
                    Part("Recommendation to the board", 40, Day(1, 20)),
                ),
            ),
        ),
        tasks=(Task("Requirements and vendors", 0, "selection"),),
    ),
    Engagement(
        key="costing",
        client="fenwick",
        name="Job costing",
        manager="daniel",
        purchase_order="by e-mail",
        lines=(
            Line(
                "milestone",
                "Job costing from estimate to final account",
                58000,
                parts=(
                    Part("Blueprint", 20, Day(-4, 22), Day(-4, 24)),
                    Part("Pilot on two building sites", 30, Day(-2, 15), Day(-2, 16)),
                    Part("All sites live", 30, Day(-1, 25), Day(-1, 24)),
                    Part("Review after three months", 20, Day(2, 28)),
                ),
            ),
            Line("hour", "Site visits beyond the plan", 175, 260),
        ),
        tasks=(
            Task("Set-up and pilot", 0, "costing"),
            Task("Extra site visits", 1, "costing"),
        ),
    ),
    Engagement(
        key="reporting",
        client="keller",
        name="Group reporting",
        manager="ingrid",
        purchase_order="4500118823",
        pricelist="pricelist_eur",
        lines=(Line("hour", "Group reporting", 160, 900),),
        tasks=(
            Task("Reporting package", 0, "finance"),
            Task("Consolidation", 0, "close"),
        ),
    ),
    Engagement(
        key="treasury",
        client="lumiere",
        name="Treasury review",
        manager="ingrid",
        purchase_order="BC-2207",
        pricelist="pricelist_eur",
        lines=(
            Line(
                "fee",
                "Review of cash pooling and payments",
                36000,
                parts=(
                    Part("Interviews and analysis", 40, Day(-3, 12)),
                    Part("Draft report", 40, Day(-1, 9)),
                    Part("Final report", 20, Day(1, 25)),
                ),
            ),
        ),
        tasks=(Task("Cash pooling and payments", 0, "treasury"),),
    ),
    Engagement(
        key="transformation",
        client="pinecrest",
        name="Finance transformation",
        manager="ingrid",
        purchase_order="PU-FIN-1107",
        approval="manager",
        lines=(Line("hour", "Transformation office", 170, 1000),),
        tasks=(
            Task("Project office", 0, "office"),
            Task("Budgeting and grants", 0, "finance"),
        ),
    ),
    Engagement(
        key="hotline",
        client="brightwater",
        name="Finance hotline",
        manager="daniel",
        purchase_order="PO 45-21190",
        lines=(
            Line("recurring", "Hotline and month-end support", 2400),
            Line(
                "unit",
                "Intercompany reconciliations",
                85,
                tiers=((40, 85), (0, 70)),
                records=(
                    Record("Reconciliations of the month", Day(-4, 27), 36),
                    Record("Reconciliations of the month", Day(-3, 27), 52),
                    Record("Reconciliations of the month", Day(-2, 27), 44),
                    Record("Reconciliations of the month", Day(-1, 27), 47),
                ),
            ),
        ),
    ),
    Engagement(
        key="platform",
        client="fenwick",
        name="Reporting platform",
        manager="daniel",
        purchase_order="FC-0917",
        lines=(
            Line(
                "progress",
                "Reporting platform, designed and built",
                60000,
                records=(
                    Record("Design agreed", Day(-4, 24), 20),
                    Record("Data model in place", Day(-3, 25), 45),
                    Record("First dashboards", Day(-1, 20), 70),
                ),
            ),
            Line(
                "success",
                "Share of the licences saved",
                0,
                tiers=((50000, 10), (0, 5)),
                records=(Record("Licences cancelled", Day(-1, 22), 64000),),
            ),
        ),
        terms=(("retention_percent", 10), ("retention_maximum", 4000)),
        deposit=9000,
    ),
    Engagement(
        key="advisory",
        client="harbor",
        name="Finance director's advisor",
        manager="ingrid",
        purchase_order="HRM-0502",
        lines=(
            Line(
                "retainer",
                "Advice to the finance director",
                3600,
                terms=(
                    ("retainer_hours", 16),
                    ("retainer_rollover", "one_period"),
                    ("overage_price", 240),
                ),
            ),
        ),
        tasks=(Task("Advice", 0, "finance"),),
    ),
    Engagement(
        key="coaching",
        client="northgate",
        name="Coaching of the accounting team",
        manager="ingrid",
        purchase_order="NCU 2350",
        lines=(Line("prepaid", "Coaching, block of hours", 160, 60),),
        tasks=(Task("Coaching", 0, "close"),),
        terms=(("bill_discount_type", "fixed"), ("bill_discount_amount", 600)),
    ),
)

#: Who works on what: a share for each engagement; what is missing to 100 is internal.
TEAM = {
    "helen": {"treasury": 20, "transformation": 15, "advisory": 15},
    "daniel": {"rollout": 40, "warehouse": 15, "costing": 15, "tender": 10},
    "ingrid": {"reporting": 30, "transformation": 25, "close": 20, "selection": 10},
    "claire": {},
    "grace": {},
    "owen": {},
    "sofia": {"rollout": 45, "close": 25, "reporting": 20},
    "tom": {"warehouse": 55, "tender": 20, "costing": 20},
    "yusuf": {"rollout": 55, "costing": 20, "selection": 15},
    "priya": {"support": 45, "rollout": 30, "transformation": 15},
    "lucas": {"reporting": 50, "transformation": 35},
    "emma": {"close": 25, "selection": 30, "treasury": 20, "coaching": 15},
}
