// The chain itself: events sent to hub `dev` become documents and files, or dead letters.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/filesystem"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/service"
)

var chainChecks = []check{
	{"chain: a valid event becomes an enriched document and a line of a file", validEvent},
	{"chain: an event of a Kafka client becomes one too", kafkaEvent},
	{"chain: a bad event becomes a dead letter, and its neighbours do not", badEvent},
}

func validEvent(ctx context.Context) error {
	if err := sendKeyed(ctx, places("chain", 1)...); err != nil {
		return err
	}
	found, err := documentsOf(ctx, "chain", 1)
	if err != nil {
		return err
	}
	document := found[0]
	return errors.Join(
		equal("the kind", document.Kind, "place"), equal("the key", document.Key, "28036"),
		equal("the city", document.EnrichedCity, "Davidson"), equal("the hub", document.Origin.Hub, hub),
		stored(ctx, "events", `"id":"`+document.ID+`"`),
	)
}

func kafkaEvent(ctx context.Context) error {
	if err := produce(ctx, places("kafka-chain", 1)); err != nil {
		return err
	}
	found, err := documentsOf(ctx, "kafka-chain", 1)
	if err != nil {
		return err
	}
	return equal("the city", found[0].EnrichedCity, "Davidson")
}

func badEvent(ctx context.Context) error {
	bodies := places("neighbours", 3)
	bad := fmt.Appendf(nil, `{"postal_cd": "no such code", "sender": "%s/bad"}`, sender)
	if err := sendKeyed(ctx, bodies[0], bad, bodies[1], bodies[2]); err != nil {
		return err
	}
	_, err := documentsOf(ctx, "neighbours", 3)
	return errors.Join(err, stored(ctx, "dead-letters", sender+"/bad"))
}

func sendKeyed(ctx context.Context, bodies ...[]byte) error {
	producer, err := azeventhubs.NewProducerClientFromConnectionString(setting("EventHubs"), hub, nil)
	if err != nil {
		return err
	}
	defer producer.Close(ctx)
	batch, err := producer.NewEventDataBatch(ctx, &azeventhubs.EventDataBatchOptions{PartitionKey: to.Ptr("28036")})
	if err != nil {
		return err
	}
	for _, body := range bodies {
		if err := batch.AddEventData(&azeventhubs.EventData{Body: body}, nil); err != nil {
			return err
		}
	}
	return producer.SendEventDataBatch(ctx, batch, nil)
}

type document struct {
	ID           string `json:"id"`
	Kind         string `json:"kind"`
	Key          string `json:"pk"`
	EnrichedCity string `json:"city"`
	Origin       struct {
		Hub string `json:"hub"`
	} `json:"origin"`
}

// documentsOf waits for so many documents of a case.
func documentsOf(ctx context.Context, name string, count int) ([]document, error) {
	client, err := azcosmos.NewClientFromConnectionString(setting("Cosmos"), nil)
	if err != nil {
		return nil, err
	}
	events, err := client.NewContainer("dev", "events")
	if err != nil {
		return nil, err
	}
	options := &azcosmos.QueryOptions{QueryParameters: []azcosmos.QueryParameter{{Name: "@sender", Value: sender + "/" + name}}}
	var found []document
	err = until(ctx, fmt.Sprintf("%d documents", count), func() (bool, error) {
		found, err = query[document](ctx, events, azcosmos.NewPartitionKey(), "SELECT * FROM c WHERE c.sender = @sender", options)
		return len(found) >= count, err
	})
	return found, errors.Join(err, equal("the documents", len(found), count))
}

// stored waits for a file of a file system that holds a text.
func stored(ctx context.Context, system, text string) error {
	account, err := service.NewClientFromConnectionString(setting("DataLake"), nil)
	if err != nil {
		return err
	}
	files := account.NewFileSystemClient(system)
	seen := map[string]bool{}
	return until(ctx, text+" in "+system, func() (bool, error) {
		pager := files.NewListPathsPager(true, &filesystem.ListPathsOptions{})
		for pager.More() {
			page, err := pager.NextPage(ctx)
			if err != nil {
				return false, err
			}
			for _, path := range page.Paths {
				if seen[*path.Name] || !strings.HasSuffix(*path.Name, ".jsonl") {
					continue
				}
				content, err := read(ctx, files.NewFileClient(*path.Name), nil)
				if err != nil {
					return false, err
				}
				if strings.Contains(string(content), text) {
					return true, nil
				}
				seen[*path.Name] = len(content) > 0 // files are written once
			}
		}
		return false, nil
	})
}
