// Queries of Cosmos DB with azcosmos.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

var cosmosQueryChecks = []check{
	{"cosmos: a query with parameters, within a partition", queryWithParameters},
	{"cosmos: a query's pages are continued by another client", queryPages},
	{"cosmos: a query over all partitions", queryAcrossPartitions},
	{"cosmos: aggregates and ORDER BY within a partition", aggregates},
	{"cosmos: many documents by their ids and keys", readMany},
}

// filled is a container with 40 orders of 4 customers.
func filled(ctx context.Context, name string) (*azcosmos.ContainerClient, error) {
	container, err := orders(ctx, name)
	if err != nil {
		return nil, err
	}
	for i := range 40 {
		customer := fmt.Sprintf("customer-%d", i%4)
		one := order{ID: fmt.Sprint(i), Customer: customer, Number: i, Total: float64(i) / 4}
		if _, err := container.CreateItem(ctx, azcosmos.NewPartitionKeyString(customer), one.encoded(), nil); err != nil {
			return nil, err
		}
	}
	return container, nil
}

func queryWithParameters(ctx context.Context) error {
	container, err := filled(ctx, "parameters")
	if err != nil {
		return err
	}
	options := &azcosmos.QueryOptions{QueryParameters: []azcosmos.QueryParameter{
		{Name: "@least", Value: 20}, {Name: "@text", Value: "1%"},
	}}
	found, err := query[int](ctx, container, azcosmos.NewPartitionKeyString("customer-1"),
		"SELECT VALUE c.number FROM c WHERE c.number >= @least OR c.id LIKE @text", options)
	slices.Sort(found)
	return errors.Join(err, equal("the numbers", found, []int{1, 13, 17, 21, 25, 29, 33, 37}))
}

func queryPages(ctx context.Context) error {
	container, err := filled(ctx, "pages")
	if err != nil {
		return err
	}
	key := azcosmos.NewPartitionKeyString("customer-2")
	const text = "SELECT * FROM c WHERE c.total >= 1 ORDER BY c.number DESC"
	pager := container.NewQueryItemsPager(text, key, &azcosmos.QueryOptions{PageSizeHint: 4})
	first, err := pager.NextPage(ctx)
	if err != nil {
		return err
	}
	if first.ContinuationToken == nil || len(first.Items) != 4 {
		return fmt.Errorf("the first page has %d documents, its continuation is %v", len(first.Items), first.ContinuationToken)
	}
	client, err := azcosmos.NewClientFromConnectionString(setting("Cosmos"), nil)
	if err != nil {
		return err
	}
	same, err := client.NewContainer(sender, "pages")
	if err != nil {
		return err
	}
	rest, err := query[order](ctx, same, key, text, &azcosmos.QueryOptions{PageSizeHint: 3, ContinuationToken: first.ContinuationToken})
	if err != nil {
		return err
	}
	var numbers []int
	for _, item := range first.Items {
		var one order
		if err := json.Unmarshal(item, &one); err != nil {
			return err
		}
		numbers = append(numbers, one.Number)
	}
	for _, one := range rest {
		numbers = append(numbers, one.Number)
	}
	return equal("the numbers", numbers, []int{38, 34, 30, 26, 22, 18, 14, 10, 6})
}

func queryAcrossPartitions(ctx context.Context) error {
	container, err := filled(ctx, "across")
	if err != nil {
		return err
	}
	found, err := query[int](ctx, container, azcosmos.NewPartitionKey(),
		"SELECT VALUE c.number FROM c WHERE c.total < 2.5", &azcosmos.QueryOptions{PageSizeHint: 3})
	slices.Sort(found)
	return errors.Join(err, equal("the numbers", found, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}))
}

func aggregates(ctx context.Context) error {
	container, err := filled(ctx, "aggregates")
	if err != nil {
		return err
	}
	key := azcosmos.NewPartitionKeyString("customer-3")
	sums, err := query[float64](ctx, container, key, "SELECT VALUE SUM(c.total) FROM c", nil)
	if err != nil {
		return err
	}
	counts, err := query[int](ctx, container, key, "SELECT VALUE COUNT(1) FROM c GROUP BY c.number < 8", nil)
	if err != nil {
		return err
	}
	slices.Sort(counts)
	top, err := query[int](ctx, container, key, "SELECT VALUE c.number FROM c ORDER BY c.total DESC OFFSET 1 LIMIT 3", nil)
	return errors.Join(err, equal("the sum", sums, []float64{52.5}), equal("how many a group", counts, []int{2, 8}),
		equal("the top", top, []int{35, 31, 27}))
}

func readMany(ctx context.Context) error {
	container, err := filled(ctx, "many")
	if err != nil {
		return err
	}
	identities := []azcosmos.ItemIdentity{{ID: "none", PartitionKey: azcosmos.NewPartitionKeyString("customer-0")}}
	for _, i := range []int{3, 17, 38} {
		identities = append(identities, azcosmos.ItemIdentity{
			ID: fmt.Sprint(i), PartitionKey: azcosmos.NewPartitionKeyString(fmt.Sprintf("customer-%d", i%4)),
		})
	}
	found, err := container.ReadManyItems(ctx, identities, nil)
	if err != nil {
		return err
	}
	var numbers []int
	for _, item := range found.Items {
		var one order
		if err := json.Unmarshal(item, &one); err != nil {
			return err
		}
		numbers = append(numbers, one.Number)
	}
	slices.Sort(numbers)
	return equal("the numbers", numbers, []int{3, 17, 38})
}

// query runs a query to its end.
func query[T any](ctx context.Context, container *azcosmos.ContainerClient, key azcosmos.PartitionKey, text string, options *azcosmos.QueryOptions) ([]T, error) {
	var found []T
	pager := container.NewQueryItemsPager(text, key, options)
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			var one T
			if err := json.Unmarshal(item, &one); err != nil {
				return nil, err
			}
			found = append(found, one)
		}
	}
	return found, nil
}
