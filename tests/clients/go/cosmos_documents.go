// Documents of Cosmos DB with azcosmos: written, changed under conditions, in batches, and as a change feed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

func documents(ctx context.Context) error {
	container, err := orders(ctx, "documents")
	if err != nil {
		return err
	}
	key := azcosmos.NewPartitionKeyString("ada")
	one := order{ID: "ä b+c%d", Customer: "ada", Number: 1, Total: 9.5, Tags: []string{"x"}}
	created, err := container.CreateItem(ctx, key, one.encoded(), &azcosmos.ItemOptions{EnableContentResponseOnWrite: true})
	if err != nil {
		return err
	}
	_, again := container.CreateItem(ctx, key, one.encoded(), nil)
	wrong := []error{sameOrder("created", created.Value, one), status("creating it again", again, http.StatusConflict)}
	if created.RequestCharge <= 0 || created.ETag == "" || created.SessionToken == nil {
		wrong = append(wrong, fmt.Errorf("it costs %v and has the etag %q", created.RequestCharge, created.ETag))
	}
	quiet, err := container.UpsertItem(ctx, key, order{ID: one.ID, Customer: "ada", Number: 2}.encoded(), nil)
	wrong = append(wrong, err, equal("what an upsert answers", len(quiet.Value), 0))
	read, err := container.ReadItem(ctx, key, one.ID, nil)
	wrong = append(wrong, err, sameOrder("upserted", read.Value, order{ID: one.ID, Customer: "ada", Number: 2}))
	one.Number = 3
	_, err = container.ReplaceItem(ctx, key, one.ID, one.encoded(), nil)
	wrong = append(wrong, err)
	read, err = container.ReadItem(ctx, key, one.ID, nil)
	wrong = append(wrong, err, sameOrder("replaced", read.Value, one))
	_, err = container.DeleteItem(ctx, key, one.ID, nil)
	wrong = append(wrong, err)
	_, missing := container.ReadItem(ctx, key, one.ID, nil)
	_, elsewhere := container.ReplaceItem(ctx, key, "none", order{ID: "none", Customer: "ada"}.encoded(), nil)
	return errors.Join(append(wrong, status("reading it then", missing, http.StatusNotFound),
		status("replacing none", elsewhere, http.StatusNotFound))...)
}

func patches(ctx context.Context) error {
	container, err := orders(ctx, "patches")
	if err != nil {
		return err
	}
	key := azcosmos.NewPartitionKeyString("ada")
	if _, err := container.CreateItem(ctx, key, order{ID: "1", Customer: "ada", Number: 1, Tags: []string{"x"}, Note: "n"}.encoded(), nil); err != nil {
		return err
	}
	change := azcosmos.PatchOperations{}
	change.AppendSet("/total", 12.5)
	change.AppendIncrement("/number", 41)
	change.AppendAdd("/tags/-", "y")
	change.AppendRemove("/note")
	change.SetCondition("from c where c.number = 1")
	if _, err := container.PatchItem(ctx, key, "1", change, nil); err != nil {
		return err
	}
	_, unmet := container.PatchItem(ctx, key, "1", change, nil)
	read, err := container.ReadItem(ctx, key, "1", nil)
	return errors.Join(err, status("a condition that is not met", unmet, http.StatusPreconditionFailed),
		sameOrder("patched", read.Value, order{ID: "1", Customer: "ada", Number: 42, Total: 12.5, Tags: []string{"x", "y"}}))
}

func etags(ctx context.Context) error {
	container, err := orders(ctx, "etags")
	if err != nil {
		return err
	}
	key, one := azcosmos.NewPartitionKeyString("ada"), order{ID: "1", Customer: "ada"}
	created, err := container.CreateItem(ctx, key, one.encoded(), nil)
	if err != nil {
		return err
	}
	first := azcosmos.ItemOptions{IfMatchEtag: &created.ETag}
	replaced, err := container.ReplaceItem(ctx, key, "1", one.encoded(), &first)
	if err != nil {
		return err
	}
	_, late := container.ReplaceItem(ctx, key, "1", one.encoded(), &first)
	_, removed := container.DeleteItem(ctx, key, "1", &first)
	_, err = container.DeleteItem(ctx, key, "1", &azcosmos.ItemOptions{IfMatchEtag: &replaced.ETag})
	return errors.Join(err, status("replacing", late, http.StatusPreconditionFailed),
		status("deleting", removed, http.StatusPreconditionFailed))
}

func batches(ctx context.Context) error {
	container, err := orders(ctx, "batches")
	if err != nil {
		return err
	}
	key := azcosmos.NewPartitionKeyString("ada")
	good := container.NewTransactionalBatch(key)
	good.CreateItem(order{ID: "1", Customer: "ada", Number: 1}.encoded(), nil)
	good.UpsertItem(order{ID: "2", Customer: "ada", Number: 2}.encoded(), nil)
	good.ReplaceItem("1", order{ID: "1", Customer: "ada", Number: 10}.encoded(), nil)
	change := azcosmos.PatchOperations{}
	change.AppendIncrement("/number", 5)
	good.PatchItem("2", change, nil)
	good.ReadItem("2", nil)
	done, err := container.ExecuteTransactionalBatch(ctx, good, nil)
	if err != nil {
		return err
	}
	if !done.Success || len(done.OperationResults) != 5 {
		return fmt.Errorf("it was refused: %+v", done.OperationResults)
	}
	bad := container.NewTransactionalBatch(key)
	bad.UpsertItem(order{ID: "2", Customer: "ada", Number: 99}.encoded(), nil)
	bad.CreateItem(order{ID: "1", Customer: "ada"}.encoded(), nil)
	bad.DeleteItem("2", nil)
	refused, err := container.ExecuteTransactionalBatch(ctx, bad, nil)
	if err != nil {
		return err
	}
	var codes, goodCodes []int32
	for _, result := range done.OperationResults {
		goodCodes = append(goodCodes, result.StatusCode)
	}
	for _, result := range refused.OperationResults {
		codes = append(codes, result.StatusCode)
	}
	read, err := container.ReadItem(ctx, key, "2", nil)
	return errors.Join(err,
		equal("the codes of the good one", goodCodes, []int32{201, 201, 200, 200, 200}),
		sameOrder("what it read", done.OperationResults[4].ResourceBody, order{ID: "2", Customer: "ada", Number: 7}),
		equal("the success of the bad one", refused.Success, false),
		equal("its codes", codes, []int32{424, 409, 424}),
		sameOrder("untouched", read.Value, order{ID: "2", Customer: "ada", Number: 7}),
	)
}

func changeFeed(ctx context.Context) error {
	container, err := orders(ctx, "changes")
	if err != nil {
		return err
	}
	write := func(customer, id string, number int) error {
		_, err := container.UpsertItem(ctx, azcosmos.NewPartitionKeyString(customer),
			order{ID: id, Customer: customer, Number: number}.encoded(), nil)
		return err
	}
	for i := range 5 {
		if err := write(fmt.Sprintf("customer-%d", i%2), fmt.Sprint(i), i); err != nil {
			return err
		}
	}
	ranges, err := container.ReadFeedRanges(ctx, nil)
	if err != nil {
		return err
	}
	continuations := make([]string, len(ranges))
	changes := func() ([]int, error) {
		var numbers []int
		for i := range ranges {
			for {
				options := &azcosmos.ChangeFeedOptions{FeedRange: &ranges[i], MaxItemCount: 2}
				if continuations[i] != "" {
					options = &azcosmos.ChangeFeedOptions{Continuation: &continuations[i], MaxItemCount: 2}
				}
				page, err := container.ReadChangeFeed(ctx, options)
				if err != nil {
					return nil, err
				}
				continuations[i] = page.ContinuationToken
				if len(page.Items) == 0 {
					break
				}
				for _, item := range page.Items {
					var changed order
					if err := json.Unmarshal(item, &changed); err != nil {
						return nil, err
					}
					numbers = append(numbers, changed.Number)
				}
			}
		}
		slices.Sort(numbers)
		return numbers, nil
	}
	all, err := changes()
	if err != nil {
		return err
	}
	none, err := changes()
	if err != nil {
		return err
	}
	if err := errors.Join(write("customer-1", "3", 30), write("customer-0", "9", 90)); err != nil {
		return err
	}
	since, err := changes()
	return errors.Join(err, equal("all changes", all, []int{0, 1, 2, 3, 4}), equal("none since", none, []int(nil)),
		equal("the changes since", since, []int{30, 90}))
}
