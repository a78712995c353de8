"""How the console's views answer what was posted: onwards with a sentence, or the form again."""

import io

from flask import Response, flash, render_template, send_file, url_for

from backend.domain.errors import HuiquanError
from backend.edge import errors


def see(address: str) -> Response:
    """Send the browser on to a page; reloading that posts nothing again."""
    return Response(status=303, headers={"Location": address})


def done(sentence: str, endpoint: str, **values: str | int) -> Response:
    """Send the browser to a page of ours that says what has just been done."""
    flash(sentence, "good")
    return see(url_for(endpoint, **values))  # type: ignore[arg-type]  # any is a value


def form_again(template: str, error: HuiquanError, **context: object) -> Response:
    """Answer a refused form with itself, the sentence above it, and the refusal's status."""
    refusal = errors.refuse(error)
    sentence = error.details.get("sentence", error.message)
    refusal.set_data(render_template(template, refusal=sentence, **context))
    refusal.content_type = "text/html; charset=utf-8"
    return refusal


def attachment(content: bytes, name: str) -> Response:
    """Answer a file that a service made, to be kept under a name."""
    return send_file(io.BytesIO(content), as_attachment=True, download_name=name)
