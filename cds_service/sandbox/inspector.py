"""The calls the service received, for our own page alone."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

import flask
from flask import Response

from cds_service.cdshooks.answers import json_response
from cds_service.cdshooks.errors import Refusal
from cds_service.sandbox.calls import HOST, Calls

OWN_PAGE = "X-Cart-Cds-Page"
"""Header that our own scripts send: a page of another origin cannot, since we grant no preflight."""


class Inspector:
    """What was heard in ``calls``; ``host`` is the name and port this service is known by."""

    def __init__(self, calls: Calls, host: str) -> None:
        self._calls = calls
        self._host = host

    def calls(self) -> Response:
        """The calls the service received, newest first."""
        self._own_page()
        return json_response({"calls": self._calls.newest()})

    def call(self, number: int) -> Response:
        """One of them with its bodies."""
        self._own_page()
        found = self._calls.one(number)
        if found is None:
            raise Refusal(404, "this call is no longer kept")
        return json_response(found)

    def forget(self) -> Response:
        """Forget the calls."""
        self._own_page()
        self._calls.clear()
        return Response(status=204)

    def _own_page(self) -> None:
        """Only our own page may read what the service heard: not another origin, nor one that only bears our name."""
        request = flask.request
        heard = request.environ.get(HOST, "")
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if request.headers.get(OWN_PAGE) != "yes" or site != "same-origin" or not _ours(heard, self._host):
            raise Refusal(404, "no such route")


def _ours(heard: str, public: str) -> bool:
    """True for the name this service is known by, this machine, or a bare address: no foreign name that points here."""
    try:
        name = urlsplit(f"//{heard}").hostname or ""
        return heard == public or name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False
