"""Answers of a language model's server about one month, as a server of a test gives them."""

import json

from alexandria.core.month import Month

MARCH = Month(2003, 3)
TITLE = "Sample Novel"
BOOKS = json.dumps({"books": [{"title": TITLE, "author": "Ann Author", "year": 2003}]})


def answer(status, body, *headers):
    """An answer of the server: a JSON body, or a text that is no JSON."""
    if isinstance(body, str):
        return status, ["Content-Type: text/html; charset=utf-8", *headers], body.encode()
    return status, ["Content-Type: application/json", *headers], json.dumps(body).encode()
