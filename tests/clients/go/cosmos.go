// Cosmos DB with azcosmos: databases, containers, keys. Documents and queries have files of their own.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

var cosmosChecks = []check{
	{"cosmos: databases and containers are made, read and listed", databasesAndContainers},
	{"cosmos: a document is created, read, upserted, replaced and deleted", documents},
	{"cosmos: a patch changes what it names, under its condition", patches},
	{"cosmos: an etag that is no longer current is refused", etags},
	{"cosmos: a transactional batch is all or nothing", batches},
	{"cosmos: the change feed has what changed since", changeFeed},
	{"cosmos: partition keys of every type", keysOfEveryType},
	{"cosmos: hierarchical partition keys", hierarchicalKeys},
	{"cosmos: a wrong key is refused", cosmosWrongKey},
}

type order struct {
	ID       string   `json:"id"`
	Customer string   `json:"customer"`
	Number   int      `json:"number"`
	Total    float64  `json:"total"`
	Tags     []string `json:"tags,omitempty"`
	Note     string   `json:"note,omitempty"`
}

func (o order) encoded() []byte {
	body, _ := json.Marshal(o)
	return body
}

// orders makes a container of a case's own in the database of this run, which it makes too.
func orders(ctx context.Context, name string, paths ...string) (*azcosmos.ContainerClient, error) {
	database, err := runsDatabase()
	if err != nil {
		return nil, err
	}
	key := azcosmos.PartitionKeyDefinition{Paths: []string{"/customer"}, Version: 2}
	if len(paths) > 0 {
		key = azcosmos.PartitionKeyDefinition{Paths: paths, Version: 2, Kind: azcosmos.PartitionKeyKindMultiHash}
	}
	if _, err := database.CreateContainer(ctx, azcosmos.ContainerProperties{ID: name, PartitionKeyDefinition: key}, nil); err != nil {
		return nil, err
	}
	return database.NewContainer(name)
}

var runsDatabase = sync.OnceValues(func() (*azcosmos.DatabaseClient, error) {
	client, err := azcosmos.NewClientFromConnectionString(setting("Cosmos"), nil)
	if err != nil {
		return nil, err
	}
	if _, err := client.CreateDatabase(context.Background(), azcosmos.DatabaseProperties{ID: sender}, nil); err != nil {
		return nil, err
	}
	return client.NewDatabase(sender)
})

func databasesAndContainers(ctx context.Context) error {
	container, err := orders(ctx, "made")
	if err != nil {
		return err
	}
	_, again := orders(ctx, "made")
	database, err := runsDatabase()
	if err != nil {
		return err
	}
	read, err := container.Read(ctx, nil)
	if err != nil {
		return err
	}
	client, err := azcosmos.NewClientFromConnectionString(setting("Cosmos"), nil)
	if err != nil {
		return err
	}
	// A query is the only call that lists them.
	databases, err := client.NewQueryDatabasesPager("SELECT * FROM c WHERE c.id = @id", &azcosmos.QueryDatabasesOptions{
		QueryParameters: []azcosmos.QueryParameter{{Name: "@id", Value: sender}},
	}).NextPage(ctx)
	if err != nil {
		return err
	}
	containers, err := database.NewQueryContainersPager("SELECT * FROM c", nil).NextPage(ctx)
	if err != nil {
		return err
	}
	read.ContainerProperties.DefaultTimeToLive = to.Ptr(int32(3600))
	replaced, err := container.Replace(ctx, *read.ContainerProperties, nil)
	if err != nil {
		return err
	}
	_, deleted := container.Delete(ctx, nil)
	_, gone := container.Read(ctx, nil)
	wrong := []error{
		status("making it again", again, http.StatusConflict),
		equal("the container's id", read.ContainerProperties.ID, "made"),
		equal("its key", read.ContainerProperties.PartitionKeyDefinition.Paths, []string{"/customer"}),
		equal("its time to live", *replaced.ContainerProperties.DefaultTimeToLive, int32(3600)),
		equal("the databases of that name", len(databases.Databases), 1),
		equal("the containers", len(containers.Containers), 1),
		deleted,
		status("reading it then", gone, http.StatusNotFound),
	}
	for _, one := range containers.Containers {
		wrong = append(wrong, equal("the id of the one listed", one.ID, "made"))
	}
	return errors.Join(wrong...)
}

func keysOfEveryType(ctx context.Context) error {
	container, err := orders(ctx, "keys")
	if err != nil {
		return err
	}
	var wrong []error
	for text, key := range map[string]azcosmos.PartitionKey{
		`"Grüße\n\""`: azcosmos.NewPartitionKeyString("Grüße\n\""),
		`1.5`:         azcosmos.NewPartitionKeyNumber(1.5),
		`false`:       azcosmos.NewPartitionKeyBool(false),
		`null`:        azcosmos.NullPartitionKey,
	} {
		body := fmt.Appendf(nil, `{"id": "1", "customer": %s}`, text)
		created, err := container.CreateItem(ctx, key, body, nil)
		wrong = append(wrong, err)
		_, again := container.CreateItem(ctx, key, body, nil)
		wrong = append(wrong, status("creating it again under "+text, again, http.StatusConflict))
		read, err := container.ReadItem(ctx, key, "1", &azcosmos.ItemOptions{SessionToken: created.SessionToken})
		wrong = append(wrong, err)
		var got struct{ Customer json.RawMessage }
		if err := json.Unmarshal(read.Value, &got); err != nil {
			return errors.Join(append(wrong, err)...)
		}
		wrong = append(wrong, equal("the key", string(got.Customer), text))
	}
	return errors.Join(wrong...)
}

func hierarchicalKeys(ctx context.Context) error {
	container, err := orders(ctx, "tenants", "/customer", "/note")
	if err != nil {
		return err
	}
	key := azcosmos.NewPartitionKeyString("ada").AppendString("a")
	one := order{ID: "1", Customer: "ada", Note: "a"}
	if _, err := container.CreateItem(ctx, key, one.encoded(), nil); err != nil {
		return err
	}
	read, err := container.ReadItem(ctx, key, "1", nil)
	_, missing := container.ReadItem(ctx, azcosmos.NewPartitionKeyString("ada").AppendString("b"), "1", nil)
	return errors.Join(err, sameOrder("read", read.Value, one), status("under another key", missing, http.StatusNotFound))
}

func cosmosWrongKey(ctx context.Context) error {
	client, err := azcosmos.NewClientFromConnectionString(withKey(setting("Cosmos"), "d3Jvbmc="), nil)
	if err != nil {
		return err
	}
	container, err := client.NewContainer("dev", "events")
	if err != nil {
		return err
	}
	_, err = container.Read(ctx, nil)
	return status("reading", err, http.StatusUnauthorized)
}

// sameOrder compares a document with an order, what Cosmos DB adds to it aside.
func sameOrder(what string, body []byte, want order) error {
	var got order
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("%s: %w in %q", what, err, body)
	}
	return equal(what, got, want)
}

// status says whether a request was refused with this status code.
func status(what string, err error, code int) error {
	var refused *azcore.ResponseError
	if !errors.As(err, &refused) {
		return fmt.Errorf("%s is answered by %w, not %d", what, err, code)
	}
	return equal(what, refused.StatusCode, code)
}
