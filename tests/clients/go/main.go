// Microsoft's SDKs for Go and two Kafka clients, unchanged, against the endpoints that the environment names: the
// settings that `python -m local env` prints. Every case says `ok  CASE` or `FAILED  CASE: reason`.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"
)

const caseSeconds = 30

// A check is one thing that a user of a client relies on.
type check struct {
	name string
	run  func(ctx context.Context) error
}

// sender marks what this run sends, so that its events are told from those of any other.
var sender = "go-" + strings.ToLower(rand.Text()[:8])

func main() {
	failed := false
	for _, checks := range [][]check{
		eventHubsChecks, eventHubsMessageChecks, processorChecks, cosmosChecks, cosmosQueryChecks, dataLakeChecks,
		kafkaChecks, kafkaGroupChecks, saramaChecks, crossingChecks, chainChecks,
	} {
		for _, one := range checks {
			if err := within(caseSeconds*time.Second, one.run); err != nil {
				failed = true
				fmt.Printf("FAILED  %s: %s\n", one.name, strings.Join(strings.Fields(err.Error()), " "))
				continue
			}
			fmt.Printf("ok  %s\n", one.name)
		}
	}
	if failed {
		os.Exit(1)
	}
}

// within ends a case at its deadline even where a client does not heed its context.
func within(limit time.Duration, run func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	select {
	case err := <-done:
		return err
	case <-time.After(limit + 5*time.Second):
		return fmt.Errorf("no answer within %s", limit)
	}
}

// setting is one of those that `python -m local env` prints.
func setting(name string) string {
	value, found := os.LookupEnv(name)
	if !found {
		panic(name + " is not set: eval \"$(python -m local env)\"")
	}
	return value
}

// equal says what differs, or nothing.
func equal(what string, got, want any) error {
	if reflect.DeepEqual(got, want) {
		return nil
	}
	return fmt.Errorf("%s is %#v, not %#v", what, got, want)
}

// until asks again and again, for as long as the context allows.
func until(ctx context.Context, what string, holds func() (bool, error)) error {
	for {
		if done, err := holds(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// place is an event that the chain takes: a US postal code with its city, as its producers send it.
type place struct {
	PostalCode string  `json:"postal_cd"`
	City       string  `json:"city_name"`
	State      string  `json:"state_abbrv"`
	Latitude   float64 `json:"latitude"`
	Longitude  float64 `json:"longitude"`
	Key        string  `json:"pk"`
	Sequence   int     `json:"seq"`
	Epoch      int64   `json:"epoch"`
	Sender     string  `json:"sender"`
}

// places are the bodies of so many events of one case.
func places(name string, count int) [][]byte {
	bodies := make([][]byte, count)
	for i := range bodies {
		bodies[i], _ = json.Marshal(place{
			"28036", "Davidson", "NC", 35.4993, -80.8487, "28036", i, time.Now().Unix(), sender + "/" + name,
		})
	}
	return bodies
}
