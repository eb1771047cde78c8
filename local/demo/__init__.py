"""`python -m local demo`: the main job from producers to stores, on free ports, in a temporary directory.

Exit status 0 means: every event sent is one document or one dead letter, whichever protocol it came by; the files hold
exactly the documents; and Capture has written exactly what the first hub received.
"""

from local.demo.job import add_arguments

__all__ = ["add_arguments"]
