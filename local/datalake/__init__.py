"""Azure Data Lake Storage Gen2 on a laptop: the DFS endpoint that Azurite lacks, in front of Azurite.

One port answers both APIs, as the SDKs expect of a path-style account: DFS calls become blob calls (`files`, `paths`,
`listing`), blob calls go through untouched. SharedKey signatures are verified; a shared access signature travels on to
Azurite, which verifies it. Errors: see `errors`.

What differs from ADLS Gen2: a directory that was never created is there as long as something lies under it; renaming a
directory is not atomic; access control is kept, not enforced; no OAuth, no recursive ACLs, no expiry.
"""

from __future__ import annotations

from local.storage_account import ACCOUNT, KEY


def connection_string(port: int = 10004, *, account: str = ACCOUNT, key: str = KEY) -> str:
    """What DataLakeServiceClient and BlobServiceClient both take: the two endpoints are one address.

    It has no `DfsEndpoint`: all SDKs go by the blob endpoint, and Java's refuses a string that has one.
    """
    url = f"http://127.0.0.1:{port}/{account}"
    return f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};BlobEndpoint={url};"
