"""The Stream Analytics query language: text to a checked tree (`grammar`, `check`), and expressions to closures.

What runs over time (watermarks, windows, joins) is `local.stream_analytics`; nothing here knows of a clock.
"""
