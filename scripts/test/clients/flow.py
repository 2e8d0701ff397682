"""The specification's flow, with the clients that openapi-python-client generates from both documents."""

import os
from datetime import datetime

from governance_hub import AuthenticatedClient as HubClient
from governance_hub.api.mcp_servers import (
    mcp_servers_delete,
    mcp_servers_list,
    mcp_servers_register,
    mcp_servers_update,
)
from governance_hub.models import (
    ErrorCode,
    McpServersDeleteRequest,
    McpServersRegisterRequest,
    McpServersUpdateRequest,
)
from key_vault_executor import AuthenticatedClient as VaultClient
from key_vault_executor.api.credentials import (
    credentials_delete,
    credentials_list,
    credentials_retrieve,
    credentials_store,
)
from key_vault_executor.models import (
    CredentialById,
    CredentialByService,
    Credentials,
    CredentialsStoreRequest,
)

KEY = {"token": os.environ["API_KEY"], "prefix": "", "auth_header_name": "X-API-Key"}
HUB = HubClient(base_url=os.environ["HUB_URL"], **KEY)
VAULT = VaultClient(base_url=os.environ["VAULT_URL"], **KEY)

server_id = "python-server"
body = McpServersRegisterRequest(
    server_id=server_id, name="Python", command="python3", args=["server.py"], tool_prefix="python."
)
registered = mcp_servers_register.sync(client=HUB, body=body).data
assert registered.enabled and registered.version == 1, registered
assert isinstance(registered.created_at, datetime), registered

page = mcp_servers_list.sync(client=HUB, enabled_only=True).data
assert server_id in [server.server_id for server in page.servers], page

body = McpServersUpdateRequest(server_id=server_id, enabled=False)
updated = mcp_servers_update.sync(client=HUB, body=body, if_match='"1"').data
assert updated.enabled is False and updated.version == 2, updated
late = mcp_servers_update.sync_detailed(client=HUB, body=body, if_match='"1"')
assert late.status_code == 412 and late.parsed.error.code is ErrorCode.VERSION_MISMATCH, late

secret = {"api_key": "the key", "nested": {"list": [1, 2.5, None]}}
body = CredentialsStoreRequest(service="python", credentials=Credentials.from_dict(secret))
stored = credentials_store.sync(client=VAULT, body=body).data
found = credentials_list.sync(client=VAULT, service="python").data.credentials
assert len(found) == 1 and found[0].last_used_at is None, found
by_id = CredentialById(credential_id=stored.credential_id)
for selector in [by_id, CredentialByService(service="python", credential_type="api_key")]:
    retrieved = credentials_retrieve.sync(client=VAULT, body=selector).data
    assert retrieved.credentials.to_dict() == secret, retrieved

assert credentials_delete.sync(client=VAULT, body=by_id).data.deleted
assert mcp_servers_delete.sync(client=HUB, body=McpServersDeleteRequest(server_id=server_id)).data.deleted
gone = credentials_retrieve.sync_detailed(client=VAULT, body=by_id)
assert gone.status_code == 404 and gone.parsed.error.code.value == "not_found", gone
print("the flow is complete")
