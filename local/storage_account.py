"""The storage account of every Azurite: its name and key are published, and the same on every machine.

https://learn.microsoft.com/azure/storage/common/storage-connect-azurite#well-known-storage-account-and-key
"""

from __future__ import annotations

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
