"""The desk (收银台): a shop's page on a computer with a scanner, beside the phones' interface."""
