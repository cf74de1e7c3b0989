"""What the tests in a browser share: patience, and pictures for the documentation."""

import binascii
import json
import os
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from odoo.tests import HttpCase
from odoo.tests.common import ChromeBrowser

# The documentation's pictures are made by these tests where this variable names a folder.
PICTURES = os.environ.get("PROFESSIONAL_BILLING_PICTURES")

#: How many times longer than Odoo's own limits a machine with other work to do may take.
PATIENCE = 6

#: Gives each step of a tour the longest time that Odoo allows for one.
PATIENT_TOUR = """
    const tour = odoo.loader.modules.get("@web/core/registry").registry
        .category("web_tour.tours").get(%(name)s);
    const steps = tour.steps;
    tour.steps = () => steps().map((step) => ({ timeout: 60000, ...step }));
    odoo.startTour(%(name)s, { startUrl: %(url)s });
"""


class BrowserCommon(HttpCase):
    """Tours that measure nothing: how long a page takes says how busy the machine is."""

    def _tour(self, url, name, user, picture=None):
        """Run a tour as `user`, who logs in with the login as the password."""
        code = PATIENT_TOUR % {"name": json.dumps(name), "url": json.dumps(url)}
        with self._patient(), self._pictured(picture):
            self.start_tour(url, name, login=user.login, code=code)

    def _shoot(self, url, ready, user, picture):
        """Make a picture of a page without a tour through it, where pictures are asked for."""
        if PICTURES:
            with self._patient(), self._pictured(picture):
                self.browser_js(
                    url,
                    "setTimeout(() => console.log('test successful'), 1000)",
                    ready=f"!!document.querySelector({ready!r})",
                    login=user.login,
                )

    @contextmanager
    def _patient(self):
        # Odoo multiplies its limits by this factor where it slows the browser down on purpose.
        factor = property(lambda browser: PATIENCE, lambda browser, value: None)
        with patch.object(ChromeBrowser, "throttling_factor", factor, create=True):
            yield

    @contextmanager
    def _pictured(self, picture):
        wait = ChromeBrowser._wait_code_ok

        def wait_and_shoot(browser, *args, **kwargs):
            wait(browser, *args, **kwargs)
            if PICTURES and picture:
                data = browser._websocket_request("Page.captureScreenshot")["data"]
                Path(PICTURES, picture).write_bytes(binascii.a2b_base64(data))

        with patch.object(ChromeBrowser, "_wait_code_ok", wait_and_shoot):
            yield
