"""The worker: the process that holds the app. It imports and indexes it, and runs its functions when the host asks.

`python -m local.functions.worker` is started by the host, and ends with it. Like Microsoft's, it builds what functions
are given with the converters of azure-functions.
"""
