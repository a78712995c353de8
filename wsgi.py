"""The application as a server runs it: `gunicorn wsgi:app`."""

import os

from backend.factory import create_app
from backend.settings import Settings
from miniprogram_api.edges import EDGES

app = create_app(Settings.from_env(os.environ), EDGES)
