"""How a stand-in serves: on loopback, and without a line for each request."""

import click
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server


class QuietHandler(WSGIRequestHandler):
    """Logs no request line: queries hold secrets and tokens."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def serve(app: Flask, port: int) -> None:
    """Serve until terminated; tells the address when it is ready. Port 0: any that is free."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=QuietHandler)
    click.echo(f"listening on http://127.0.0.1:{server.server_port}")
    server.serve_forever()
