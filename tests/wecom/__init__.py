"""WeCom (企业微信) as far as a handover meets it, for anybody to try a program against: `python -m tests.wecom`.

It knows nothing of the product: what it answers is written after WeCom's documents, whose numbers stand in brackets.
Everything is in memory, and the same for the same seed. `docs/handover-wecom.md` lists what can be switched.
"""
