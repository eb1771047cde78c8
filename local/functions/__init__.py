"""A Functions host for a laptop: it loads a Python v2-model app by path, as the real host and worker do, and runs it.

`python -m local.functions --app DIR` indexes `function_app.py` by the worker's rules and runs its Event Hub triggers,
timers and HTTP routes. What the real worker refuses to index is refused here, with what to write instead.
"""
