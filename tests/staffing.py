"""Staff for tests: accounts that are enrolled, and codes of their phones."""

from dataclasses import dataclass

import pyotp

from backend import clock
from backend.domain.staff import Role
from backend.services import staff_hand_overs, staff_proposals, staff_sign_ins
from backend.services.staff_sessions import Browser
from tests.factories import MovableClock

BROWSER = Browser(address="203.0.113.7", name="Mozilla/5.0")
OTHER_BROWSER = Browser(address="198.51.100.9", name="Mozilla/5.0 (Linux)")
PASSWORD = "mo-Li7hua_kai4le"


@dataclass
class Desk:
    """A person with his phone, signed in."""

    name: str
    password: str
    secret: str
    token: str
    moment: MovableClock

    def code(self) -> str:
        """Return a code that has not counted yet: the phone's next one."""
        self.moment.move(seconds=30)
        return code_of(self.secret)

    def sign_in(self, browser: Browser = BROWSER) -> str:
        """Sign in once more; return the token."""
        begun = staff_sign_ins.by_password(self.name, self.password, browser=browser)
        token, _ = staff_sign_ins.by_code(begun.token, self.code(), browser=browser)
        return token


def code_of(secret: str) -> str:
    return pyotp.TOTP(secret).at(int(clock.now().timestamp()))


def add(name: str = "li.wei", role: Role = Role.BUREAU_OPERATOR) -> str:
    """Make an account by two administrators; return its one-time password."""
    staff_proposals.propose_account(
        name, display_name="李伟", office="商务局", role=role, actor="root.admin"
    )
    second = staff_proposals.confirm(name, actor="qian.admin")
    return f"{staff_hand_overs.take(name, actor='root.admin')}-{second}"


def enrol(name: str, password: str) -> tuple[str, str]:
    """Sign in for the first time; return the token and the secret of the phone."""
    begun = staff_sign_ins.by_password(name, password, browser=BROWSER)
    secret = staff_sign_ins.enrolment(begun.token).secret
    token, _ = staff_sign_ins.by_code(begun.token, code_of(secret), browser=BROWSER)
    return token, secret


def desk(moment: MovableClock, name: str = "li.wei", role: Role = Role.BUREAU_OPERATOR) -> Desk:
    """Make an account, enrol it and change its password; it is signed in."""
    first = add(name, role)
    token, secret = enrol(name, first)
    token = staff_sign_ins.change_password(token, old=first, new=PASSWORD, browser=BROWSER)
    return Desk(name, PASSWORD, secret, token, moment)
