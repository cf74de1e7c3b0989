"""Reviewing a pre-bill of 2,000 lines in a real browser: seconds to open it and to save an edit.

    ./dev bench review           2,000 lines
    ./dev bench review 5000      another number of lines

A server of its own with one process, Chromium without a window, both on this machine. Each figure is
what a person waits: from the click until the screen has what was asked for. Medians of 5; the first
time, with everything cold, is shown beside it, and the machine's load, without which seconds say little.
"""

import json
import logging
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from types import SimpleNamespace

from engagements import Firm

from odoo.tests.common import ChromeBrowser
from odoo.tools import config

arguments = os.environ.get("BENCH_ARGUMENTS", "").split()
LINES = int(arguments[0]) if arguments else 2000
TURNS = 5
PASSWORD = "bench review"

LOGIN = """
fetch("/web/session/authenticate", {
    method: "POST", headers: {"Content-Type": "application/json"}, body: %s,
}).then((answer) => answer.text())
"""

# What runs in the page: each step is timed there, from the event to the screen it leads to.
SCRIPT = """
(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const until = async (found, what) => {
        const start = performance.now();
        while (!found()) {
            if (performance.now() - start > 60000) throw new Error("waited in vain for " + what);
            await frame();
        }
        await frame();
        return found();
    };
    const one = (selector) => document.querySelector(selector);
    const timed = async (times, name, action, found) => {
        const start = performance.now();
        action();
        await until(found, name);
        times[name] = (performance.now() - start) / 1000;
    };
    const ROW = "div[name=line_ids] .o_data_row";
    const saved = () => one(".o_form_status_indicator_buttons.invisible");
    const type = (input, value) => {
        input.focus();
        input.value = value;
        input.dispatchEvent(new InputEvent("input", { bubbles: true }));
        input.dispatchEvent(new Event("change", { bubbles: true }));
    };
    const turns = [];
    for (let turn = 0; turn < %(turns)s; turn++) {
        const times = {};
        const record = await until(() => one(".o_list_view .o_data_row td[name=partner_id]"), "list");
        await timed(times, "open", () => record.click(), () => one(ROW));
        await timed(times, "edit a row", () => one(ROW + " td[name=narrative]").click(),
            () => one(ROW + ".o_selected_row [name=narrative] input"));
        const text = await until(
            () => one(ROW + ".o_selected_row [name=narrative] input"), "text");
        type(text, "Reworded " + turn);
        await until(() => !saved(), "change of the text");
        await timed(times, "save a text", () => one(".o_form_button_save").click(), saved);
        one(ROW + " td[name=quantity]").click();
        const hours = await until(
            () => one(ROW + ".o_selected_row [name=quantity] input"), "hours");
        const total = () => one("div[name=amount_bill]").textContent;
        const before = total();
        await timed(times, "total after new hours", () => type(hours, turn %% 2 ? "0.25" : "0.2"),
            () => total() !== before);
        await timed(times, "save hours", () => one(".o_form_button_save").click(), saved);
        one(".o_back_button a, .breadcrumb-item a").click();
        turns.push(times);
    }
    return JSON.stringify(turns);
})()
"""


def prepare():
    """Return the pre-bill of one engagement with LINES time entries, as the administrator sees it."""
    firm = Firm(env, 1)
    firm.log_time(LINES)
    admin = env.ref("base.user_admin")
    admin.write({"password": PASSWORD, "tour_enabled": False})
    prebill = firm.orders.with_user(admin)._gather_prebills()
    assert len(prebill.line_ids) == LINES, len(prebill.line_ids)
    env.cr.commit()


@contextmanager
def server():
    """An Odoo server on this database; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [
        sys.executable,
        "-m",
        "odoo",
        "--database",
        env.cr.dbname,
        "--config",
        config["config"],
    ]
    words += ["--data-dir", config["data_dir"], "--addons-path", ",".join(config["addons_path"])]
    words += ["--http-interface", "127.0.0.1", "--http-port", str(port), "--workers", "0"]
    words += ["--max-cron-threads", "0", "--log-level", "error"]
    words += ["--db-filter", f"^{env.cr.dbname}$"]
    process = subprocess.Popen(words)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address)
        yield address
    finally:
        process.terminate()
        process.wait()


def wait_for(address):
    for _attempt in range(240):
        try:
            return urllib.request.urlopen(f"{address}/web/login").read()
        except OSError:
            time.sleep(0.5)
    raise SystemExit("The server did not come up.")


@contextmanager
def chromium():
    case = SimpleNamespace(
        _logger=logging.getLogger("bench_review"),
        browser_size="1366x768",
        touch_enabled=False,
        fetch_proxy=lambda _url: {},
    )
    browser = ChromeBrowser(case)
    try:
        yield browser
    finally:
        browser.stop()


def evaluate(browser, script):
    """Run a script in the page and return what its promise gives."""
    answer = browser._websocket_request(
        "Runtime.evaluate",
        params={"expression": script, "awaitPromise": True, "returnByValue": True},
        timeout=300,
    )
    if "exceptionDetails" in answer:
        raise SystemExit(answer["exceptionDetails"]["exception"].get("description"))
    return answer["result"].get("value")


def measure_browser():
    with server() as address, chromium() as browser:
        browser.navigate_to(f"{address}/web/login", wait_stop=True)
        login = {"db": env.cr.dbname, "login": "admin", "password": PASSWORD}
        evaluate(browser, LOGIN % json.dumps(json.dumps({"jsonrpc": "2.0", "params": login})))
        browser.navigate_to(f"{address}/odoo/pre-bills", wait_stop=True)
        return evaluate(browser, SCRIPT % {"turns": TURNS})


logging.getLogger("bench_review").setLevel(logging.ERROR)
prepare()
turns = json.loads(measure_browser())
print(f"\n{'a pre-bill of ' + format(LINES, ',') + ' lines':<30}{'median':>10}{'first':>10}")
for name in turns[0]:
    seconds = [times[name] for times in turns]
    print(f"{name:<30}{statistics.median(seconds):>8.2f} s{seconds[0]:>8.2f} s")
print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
