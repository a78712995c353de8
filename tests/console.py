"""The console for tests: its application on the test's databases, and people who are signed in."""

import re
from dataclasses import dataclass
from typing import Any

from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend import clock
from backend.domain.staff import ROLE_NAMES, Role
from backend.edge.console.access import COOKIE
from backend.services import staff_sessions
from backend.services.staff_sessions import Browser
from backend.storage.models.staff import StaffAccount
from backend.storage.sql import transaction

CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
PASSWORD = "mo-Li7hua_kai4le"
# Of that password, with the cheapest parameters there are.
PASSWORD_HASH = (
    "$argon2id$v=19$m=8,t=1,p=1$5vK+mqih/Fy5InDf5zHSsw$J3yS4cI09S3lffMJNDaYte63ASH62j9P9aBgGmxyk2w"
)
BROWSER = Browser(address="203.0.113.7", name="Mozilla/5.0 (test)")


@dataclass
class Desk:
    """A person at the console, and the browser that knows it."""

    name: str
    client: FlaskClient

    def get(self, path: str, **options: Any) -> TestResponse:
        """GET a page."""
        return self.client.get(path, **options)

    def post(self, path: str, **form: Any) -> TestResponse:
        """POST a form as a page of ours would: with its token."""
        token = CSRF.search(self.get("/console/account").text)
        assert token
        return self.client.post(path, data={"csrf_token": token[1], **form})


def sign_in(role: Role, name: str | None = None) -> tuple[str, str]:
    """Return the login name and the token of somebody of a role, by rows alone: no hashing.

    An account of the name is made unless there is one.
    """
    name = name or role.replace("_", "-")
    with transaction() as session:
        account = session.query(StaffAccount).filter_by(login_name=name).one_or_none()
        if account is None:
            account = StaffAccount(
                login_name=name,
                display_name=f"{ROLE_NAMES[role]}某",
                office=ROLE_NAMES[role],
                role=role,
                password_hash=PASSWORD_HASH,
                added_by="test",
                added_at=clock.now(),
            )
            session.add(account)
            session.flush()
        _, token = staff_sessions.start(session, account.id, BROWSER, is_verified=True)
    return name, token


@dataclass
class Console:
    """The console's application; the test's own is open beside it."""

    app: APIFlask

    def desk(self, role: Role, name: str | None = None) -> Desk:
        """Return somebody of a role, signed in."""
        name, token = sign_in(role, name)
        client = self.app.test_client()
        client.set_cookie(COOKIE, token, path="/console")
        return Desk(name, client)

    def nobody(self) -> FlaskClient:
        """Return a browser that nobody has signed in."""
        return self.app.test_client()
