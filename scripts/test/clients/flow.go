// The specification's flow, with the clients that oapi-codegen generates from both documents.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"reflect"

	"flow/hub"
	"flow/vault"
)

func main() {
	ctx := context.Background()
	withKey := func(_ context.Context, request *http.Request) error {
		request.Header.Set("X-API-Key", os.Getenv("API_KEY"))
		return nil
	}
	servers, err := hub.NewClientWithResponses(os.Getenv("HUB_URL"), hub.WithRequestEditorFn(withKey))
	must(err)
	credentials, err := vault.NewClientWithResponses(os.Getenv("VAULT_URL"), vault.WithRequestEditorFn(withKey))
	must(err)

	serverID := "go-server"
	registered, err := servers.McpServersRegisterWithResponse(ctx, nil, hub.McpServersRegisterRequest{
		ServerId: serverID, Name: "Go", Command: "go", Args: []string{"run", "."}, ToolPrefix: "go.",
	})
	must(err)
	expect(registered.JSON201 != nil && registered.JSON201.Data.Version == 1, "a new server is at version 1", registered.Body)

	yes, no := true, false
	listed, err := servers.McpServersListWithResponse(ctx, &hub.McpServersListParams{EnabledOnly: &yes})
	must(err)
	isListed := false
	for _, server := range listed.JSON200.Data.Servers {
		isListed = isListed || server.ServerId == serverID
	}
	expect(isListed, "the list has the server", listed.Body)

	match := `"1"`
	condition := &hub.McpServersUpdateParams{IfMatch: &match}
	change := hub.McpServersUpdateRequest{ServerId: serverID, Enabled: &no}
	updated, err := servers.McpServersUpdateWithResponse(ctx, condition, change)
	must(err)
	expect(updated.JSON200 != nil && updated.JSON200.Data.Version == 2, "the server is at version 2", updated.Body)
	late, err := servers.McpServersUpdateWithResponse(ctx, condition, change)
	must(err)
	expect(late.JSON412 != nil && late.JSON412.Error.Code == hub.ErrorCodeVersionMismatch, "a stale version is refused", late.Body)

	secret := vault.Credentials{"api_key": "the key", "nested": map[string]any{"list": []any{1.0, 2.5, nil}}}
	stored, err := credentials.CredentialsStoreWithResponse(ctx, nil, vault.CredentialsStoreRequest{
		Service: "go", Credentials: secret,
	})
	must(err)
	expect(stored.JSON201 != nil, "the credential is stored", stored.Body)
	service := "go"
	found, err := credentials.CredentialsListWithResponse(ctx, &vault.CredentialsListParams{Service: &service})
	must(err)
	expect(found.JSON200 != nil && len(found.JSON200.Data.Credentials) == 1, "the list has the credential", found.Body)

	var byID, byService vault.CredentialSelector
	must(byID.FromCredentialById(vault.CredentialById{CredentialId: stored.JSON201.Data.CredentialId}))
	must(byService.FromCredentialByService(vault.CredentialByService{Service: service}))
	for _, selector := range []vault.CredentialSelector{byID, byService} {
		retrieved, err := credentials.CredentialsRetrieveWithResponse(ctx, nil, selector)
		must(err)
		expect(retrieved.JSON200 != nil && reflect.DeepEqual(retrieved.JSON200.Data.Credentials, secret),
			"the stored value is returned", retrieved.Body)
	}

	forgotten, err := credentials.CredentialsDeleteWithResponse(ctx, nil, byID)
	must(err)
	expect(forgotten.JSON200 != nil, "the credential is deleted", forgotten.Body)
	deleted, err := servers.McpServersDeleteWithResponse(ctx, nil, hub.McpServersDeleteRequest{ServerId: serverID})
	must(err)
	expect(deleted.JSON200 != nil, "the server is deleted", deleted.Body)
	gone, err := credentials.CredentialsRetrieveWithResponse(ctx, nil, byID)
	must(err)
	expect(gone.JSON404 != nil && gone.JSON404.Error.Code == vault.ErrorCodeNotFound, "a deleted credential is not found", gone.Body)
	fmt.Println("the flow is complete")
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func expect(isTrue bool, what string, body []byte) {
	if !isTrue {
		panic(fmt.Sprintf("expected: %s: %s", what, body))
	}
}
