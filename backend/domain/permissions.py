"""What each role may do: one declared table, least privilege.

Maker and checker of one flow are different roles wherever the offices differ (plan, parts seven
and eight (二)); within one office, and always, `second_person` keeps them two people. What no role
holds is done on the command line alone.
"""

from collections.abc import Mapping
from enum import StrEnum

from backend.domain.staff import Role


class Permission(StrEnum):
    """An act or a view, named `noun.verb`."""

    CAMPAIGNS_READ = "campaigns.read"
    CAMPAIGNS_PREPARE = "campaigns.prepare"  # draft, preflight, send for approval
    CAMPAIGNS_APPROVE = "campaigns.approve"
    CAMPAIGNS_RUN = "campaigns.run"  # load the quota, resume, stop
    PROGRAMMES_READ = "programmes.read"
    PROGRAMMES_LOAD = "programmes.load"
    ANALYTICS_READ = "analytics.read"
    WAR_ROOM_READ = "war_room.read"
    WAR_ROOM_PAUSE = "war_room.pause"

    MERCHANTS_READ = "merchants.read"
    MERCHANTS_REPORT = "merchants.report"
    MERCHANTS_CONFIRM_SUPERIOR = "merchants.confirm_superior"
    MERCHANTS_CONFIRM_BUREAU = "merchants.confirm_bureau"
    MERCHANTS_SCREEN_TAX = "merchants.screen_tax"
    MERCHANTS_SCREEN_MARKET = "merchants.screen_market"
    MERCHANTS_SEND_TO_PARTNER = "merchants.send_to_partner"
    MERCHANTS_PASS_PARTNER = "merchants.pass_partner"  # noqa: S105 - no password: the partner passes a list
    MERCHANTS_PUBLISH = "merchants.publish"
    MERCHANTS_SUSPEND = "merchants.suspend"
    MERCHANTS_RESUME = "merchants.resume"
    MERCHANTS_PROPOSE_DISQUALIFY = "merchants.propose_disqualify"
    MERCHANTS_DISQUALIFY = "merchants.disqualify"
    MERCHANTS_UNMASK = "merchants.unmask"  # the phone of who answers for a shop
    MERCHANT_PAPERS_READ = "merchant_papers.read"  # evidence and photos; each look is audited
    PLEDGES_ISSUE = "pledges.issue"  # the text that merchants sign
    CLERKS_READ = "clerks.read"
    CLERKS_MANAGE = "clerks.manage"
    PLACARDS_READ = "placards.read"
    PLACARDS_ISSUE = "placards.issue"
    PLACARDS_REVOKE = "placards.revoke"
    PLACEMENTS_READ = "placements.read"
    PLACEMENTS_RECORD = "placements.record"

    ORDERS_READ = "orders.read"
    REDEMPTIONS_READ = "redemptions.read"
    REFUNDS_READ = "refunds.read"
    REFUNDS_PROPOSE = "refunds.propose"
    REFUNDS_MAKE = "refunds.make"
    REFUNDS_PAY = "refunds.pay"  # by hand, what a provider refused
    PAYMENT_CASES_CLOSE = "payment_cases.close"
    SETTLEMENTS_READ = "settlements.read"
    SETTLEMENTS_DRAFT = "settlements.draft"
    SETTLEMENTS_HOLD = "settlements.hold"
    SETTLEMENTS_APPROVE_BUREAU = "settlements.approve_bureau"
    SETTLEMENTS_APPROVE_FINANCE = "settlements.approve_finance"
    PAYOUT_ACCOUNTS_PROPOSE = "payout_accounts.propose"
    PAYOUT_ACCOUNTS_CONFIRM = "payout_accounts.confirm"
    PAYOUTS_READ = "payouts.read"
    PAYOUTS_MAKE = "payouts.make"
    PAYOUTS_ANSWER = "payouts.answer"  # take the bank's return file
    RECONCILIATION_READ = "reconciliation.read"
    RECONCILIATION_EXPLAIN = "reconciliation.explain"
    RECONCILIATION_RESOLVE = "reconciliation.resolve"

    BUDGETS_READ = "budgets.read"
    BUDGETS_PROPOSE = "budgets.propose"
    BUDGETS_CONFIRM = "budgets.confirm"
    SPENDING_PROPOSE = "spending.propose"
    SPENDING_CONFIRM = "spending.confirm"
    FUND_REPORTS_READ = "fund_reports.read"
    FUND_REPORTS_FREEZE = "fund_reports.freeze"

    RESIDENTS_READ = "residents.read"  # masked
    RESIDENTS_UNMASK = "residents.unmask"
    RESIDENTS_BLOCK = "residents.block"
    RESIDENTS_UNBLOCK = "residents.unblock"
    NOTICES_READ = "notices.read"
    NOTICES_WRITE = "notices.write"
    NOTICES_PUBLISH = "notices.publish"
    NOTICES_WITHDRAW = "notices.withdraw"
    COMPLAINTS_READ = "complaints.read"
    COMPLAINTS_ASSIGN = "complaints.assign"
    COMPLAINTS_ANSWER = "complaints.answer"
    COMPLAINTS_CLOSE = "complaints.close"
    SUBSIDIES_READ = "subsidies.read"
    SUBSIDY_PAPERS_READ = "subsidy_papers.read"  # evidence, and what was bought; audited
    SUBSIDIES_REVIEW_FIRST = "subsidies.review_first"
    SUBSIDIES_REVIEW_SECOND = "subsidies.review_second"
    SUBSIDIES_PAY = "subsidies.pay"
    ENTRIES_READ = "entries.read"
    ENTRIES_STATE = "entries.state"  # a month's statement
    ENTRIES_CONFIRM = "entries.confirm"
    ENTRIES_UNDO = "entries.undo"  # one that a gate recorded by mistake, until it is stated

    PARTNERS_READ = "partners.read"
    PARTNERS_PROPOSE = "partners.propose"
    PARTNERS_CONFIRM = "partners.confirm"
    PARTNERS_STOP = "partners.stop"  # end a key, take an address off: one person, at once
    EXPORTS_MAKE = "exports.make"  # of what the holder may read anyway
    HEALTH_READ = "health.read"  # jobs, processes, Valkey: what to do when it is red
    AUDIT_READ = "audit.read"
    AUDIT_EXPORT = "audit.export"
    STAFF_READ = "staff.read"
    STAFF_MANAGE = "staff.manage"
    STAFF_CONFIRM = "staff.confirm"  # an account, a role, a reset


P = Permission
_SHOPS = frozenset({P.MERCHANTS_READ, P.PLACARDS_READ, P.PLACEMENTS_READ})
_PUBLIC_WORK = frozenset({P.PROGRAMMES_READ, P.CAMPAIGNS_READ, P.NOTICES_READ})
_MONEY_READ = frozenset(
    {
        *(P.ORDERS_READ, P.REDEMPTIONS_READ, P.REFUNDS_READ, P.SETTLEMENTS_READ, P.PAYOUTS_READ),
        *(P.RECONCILIATION_READ, P.BUDGETS_READ, P.FUND_REPORTS_READ, P.SUBSIDIES_READ),
        *(P.ENTRIES_READ, P.EXPORTS_MAKE),
    }
)
_BUREAU_READ = (
    _SHOPS
    | _PUBLIC_WORK
    | _MONEY_READ
    | {P.MERCHANT_PAPERS_READ, P.CLERKS_READ, P.WAR_ROOM_READ}
    | {P.RESIDENTS_READ, P.COMPLAINTS_READ, P.PARTNERS_READ, P.SUBSIDY_PAPERS_READ}
    | {P.ANALYTICS_READ}
)

MATRIX: Mapping[Role, frozenset[Permission]] = {
    Role.BUREAU_OPERATOR: _BUREAU_READ
    | {
        *(P.CAMPAIGNS_PREPARE, P.PROGRAMMES_LOAD, P.WAR_ROOM_PAUSE),
        *(P.MERCHANTS_CONFIRM_BUREAU, P.MERCHANTS_SEND_TO_PARTNER, P.MERCHANTS_SUSPEND),
        *(P.MERCHANTS_PROPOSE_DISQUALIFY, P.CLERKS_MANAGE, P.PLACARDS_ISSUE, P.PLACARDS_REVOKE),
        *(P.MERCHANTS_UNMASK, P.ENTRIES_UNDO),
        *(P.PLACEMENTS_RECORD, P.REFUNDS_PROPOSE, P.SETTLEMENTS_DRAFT, P.SETTLEMENTS_HOLD),
        *(P.PAYOUT_ACCOUNTS_PROPOSE, P.RECONCILIATION_EXPLAIN, P.BUDGETS_PROPOSE),
        *(P.SPENDING_PROPOSE, P.FUND_REPORTS_FREEZE, P.RESIDENTS_UNMASK, P.RESIDENTS_BLOCK),
        *(P.NOTICES_WRITE, P.COMPLAINTS_ANSWER, P.SUBSIDIES_REVIEW_FIRST, P.PARTNERS_PROPOSE),
        *(P.NOTICES_WITHDRAW, P.COMPLAINTS_ASSIGN, P.PARTNERS_STOP),
    },
    Role.BUREAU_APPROVER: _BUREAU_READ
    | {
        *(P.CAMPAIGNS_APPROVE, P.CAMPAIGNS_RUN, P.WAR_ROOM_PAUSE, P.MERCHANTS_PUBLISH),
        *(P.MERCHANTS_SUSPEND, P.MERCHANTS_RESUME, P.MERCHANTS_DISQUALIFY),
        *(P.SETTLEMENTS_APPROVE_BUREAU, P.RECONCILIATION_RESOLVE, P.RESIDENTS_UNBLOCK),
        *(P.NOTICES_PUBLISH, P.COMPLAINTS_CLOSE, P.SUBSIDIES_REVIEW_SECOND, P.ENTRIES_CONFIRM),
        *(P.REFUNDS_MAKE, P.PAYMENT_CASES_CLOSE, P.PARTNERS_CONFIRM, P.PLEDGES_ISSUE),
        *(P.NOTICES_WITHDRAW, P.PARTNERS_STOP, P.HEALTH_READ),
    },
    Role.FINANCE: _MONEY_READ
    | {
        *(P.PROGRAMMES_READ, P.CAMPAIGNS_READ, P.MERCHANTS_READ, P.WAR_ROOM_READ),
        P.ANALYTICS_READ,
        *(P.SETTLEMENTS_APPROVE_FINANCE, P.PAYOUT_ACCOUNTS_CONFIRM, P.PAYOUTS_MAKE),
        *(P.PAYOUTS_ANSWER, P.REFUNDS_PAY, P.RECONCILIATION_RESOLVE, P.BUDGETS_CONFIRM),
        *(P.SPENDING_CONFIRM, P.SUBSIDIES_PAY),
    },
    Role.MARKET_REGULATOR: _SHOPS
    | {
        *(P.MERCHANTS_SCREEN_MARKET, P.MERCHANTS_SUSPEND, P.PLACEMENTS_RECORD),
        P.MERCHANT_PAPERS_READ,
        *(P.MERCHANTS_PROPOSE_DISQUALIFY, P.COMPLAINTS_READ, P.COMPLAINTS_ANSWER, P.NOTICES_READ),
    },
    Role.TAX: frozenset(
        {P.MERCHANTS_READ, P.MERCHANTS_SCREEN_TAX, P.MERCHANT_PAPERS_READ, P.NOTICES_READ}
    ),
    Role.TOURISM: _PUBLIC_WORK
    | {P.MERCHANTS_READ, P.ENTRIES_READ, P.ENTRIES_STATE, P.COMPLAINTS_READ, P.COMPLAINTS_ANSWER}
    | {P.ANALYTICS_READ, P.EXPORTS_MAKE},
    Role.MEDIA: _SHOPS | _PUBLIC_WORK | {P.NOTICES_WRITE, P.NOTICES_WITHDRAW, P.PLACEMENTS_RECORD},
    Role.BANK: frozenset(
        {
            *(P.MERCHANTS_READ, P.MERCHANTS_REPORT, P.PLACARDS_READ),
            *(P.PLACEMENTS_READ, P.PLACEMENTS_RECORD, P.NOTICES_READ),
        }
    ),
    Role.SUPERIOR_BANK: frozenset({P.MERCHANTS_READ, P.MERCHANTS_CONFIRM_SUPERIOR, P.NOTICES_READ}),
    Role.PARTNER: frozenset({P.MERCHANTS_READ, P.MERCHANTS_PASS_PARTNER, P.NOTICES_READ}),
    Role.AUDITOR: _BUREAU_READ | {P.AUDIT_READ, P.AUDIT_EXPORT, P.STAFF_READ, P.HEALTH_READ},
    # Keeps accounts and the machines, and for that very reason sees no money and approves nothing.
    Role.ADMINISTRATOR: frozenset({P.STAFF_READ, P.STAFF_MANAGE, P.STAFF_CONFIRM, P.HEALTH_READ}),
}

# Maker and checker of one flow; no role holds both, which a test walks.
TWO_ROLES: tuple[tuple[Permission, Permission], ...] = (
    (P.CAMPAIGNS_PREPARE, P.CAMPAIGNS_APPROVE),
    (P.MERCHANTS_REPORT, P.MERCHANTS_CONFIRM_SUPERIOR),
    (P.MERCHANTS_REPORT, P.MERCHANTS_CONFIRM_BUREAU),
    (P.MERCHANTS_CONFIRM_BUREAU, P.MERCHANTS_CONFIRM_SUPERIOR),
    (P.MERCHANTS_SEND_TO_PARTNER, P.MERCHANTS_PASS_PARTNER),
    (P.MERCHANTS_PASS_PARTNER, P.MERCHANTS_PUBLISH),
    (P.MERCHANTS_PROPOSE_DISQUALIFY, P.MERCHANTS_DISQUALIFY),
    (P.REFUNDS_PROPOSE, P.REFUNDS_MAKE),
    (P.REFUNDS_MAKE, P.REFUNDS_PAY),
    (P.REFUNDS_PAY, P.PAYMENT_CASES_CLOSE),
    (P.SETTLEMENTS_DRAFT, P.SETTLEMENTS_APPROVE_BUREAU),
    (P.SETTLEMENTS_APPROVE_BUREAU, P.SETTLEMENTS_APPROVE_FINANCE),
    (P.PAYOUT_ACCOUNTS_PROPOSE, P.PAYOUT_ACCOUNTS_CONFIRM),
    (P.RECONCILIATION_EXPLAIN, P.RECONCILIATION_RESOLVE),
    (P.BUDGETS_PROPOSE, P.BUDGETS_CONFIRM),
    (P.SPENDING_PROPOSE, P.SPENDING_CONFIRM),
    (P.NOTICES_WRITE, P.NOTICES_PUBLISH),
    (P.COMPLAINTS_ANSWER, P.COMPLAINTS_CLOSE),
    (P.RESIDENTS_BLOCK, P.RESIDENTS_UNBLOCK),
    (P.SUBSIDIES_REVIEW_FIRST, P.SUBSIDIES_REVIEW_SECOND),
    (P.SUBSIDIES_REVIEW_SECOND, P.SUBSIDIES_PAY),
    (P.ENTRIES_STATE, P.ENTRIES_CONFIRM),
    (P.ENTRIES_STATE, P.ENTRIES_UNDO),
    (P.PARTNERS_PROPOSE, P.PARTNERS_CONFIRM),
)
