"""The forms of the ids in paths: anything else is simply not found."""

from flask import Flask
from werkzeug.routing import BaseConverter, IntegerConverter


class PlainInteger(IntegerConverter):
    """0, 1, 2 …: Flask's own takes the digits of every script, and 007 for 7."""

    regex = "(?:0|[1-9][0-9]{0,18})"


class CampaignId(BaseConverter):
    """Q2-MAY"""

    regex = "[A-Z0-9-]{1,32}"


class MerchantId(BaseConverter):
    """TJ0001"""

    regex = "[A-Z]{2}[0-9]{4,8}"


class OrderId(BaseConverter):
    """32 hexadecimal digits."""

    regex = "[0-9a-f]{32}"


class SheetId(BaseConverter):
    """TJ0003-20230502-1"""

    regex = "[A-Z]{2}[0-9]{4,8}-[0-9]{8}-[1-9][0-9]{0,5}"


class EvidenceName(BaseConverter):
    """photo, photo-2"""

    regex = "[a-z][a-z_]{0,31}(?:-[2-6])?"


class DetailFile(BaseConverter):
    """BANK01_20230428.csv"""

    regex = "[A-Z][A-Z0-9]{1,19}_[0-9]{8}[.](?:csv|xlsx)"


class PlacardText(BaseConverter):
    """What follows /m/: a placard's code, or the name of the file that WeChat asks for."""

    regex = "[0-9A-Za-z_.-]{1,64}"


def init_app(app: Flask) -> None:
    """Make the converters known to the routes."""
    app.url_map.converters.update(
        int=PlainInteger,
        campaign_id=CampaignId,
        merchant_id=MerchantId,
        order_id=OrderId,
        sheet_id=SheetId,
        evidence=EvidenceName,
        placard=PlacardText,
        detail_file=DetailFile,
    )
