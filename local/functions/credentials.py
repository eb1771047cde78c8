"""The identity of settings such as `EventHubs__fullyQualifiedNamespace`: what the SDK finds on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.identity.aio import DefaultAzureCredential


def credential(client_id: str | None) -> DefaultAzureCredential:
    """The default credential, of a user-assigned identity when a client id is given."""
    from azure.identity.aio import DefaultAzureCredential  # not paid for by those who use connection strings

    return DefaultAzureCredential(managed_identity_client_id=client_id) if client_id else DefaultAzureCredential()
