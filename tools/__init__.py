"""The client side: send events, read a hub, query what was stored, show what was captured, look after dead letters.

`python -m tools send | receive | query | capture | dead-letters`: the same against Azure and against a laptop, because
only the settings differ. Nothing here ships with the function app.
"""
