"""Work that a provider does for money: the catalogue of remote models, the paid requests, and who may be spoken to.

docs/paid-requests.md says how a request lives; docs/adr/0006 why the daemon itself sends it.
"""
