"""How the rivals are served: gthread, with as many processes and threads as our own view has."""

import os

bind = os.environ["HUIQUAN_BIND"]
worker_class = "gthread"
workers = int(os.environ["WEB_CONCURRENCY"])
threads = 8
keepalive = 5
