// The Data Lake with azdatalake: files are written, read, listed and moved. More is in datalake_properties.go.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/datalakeerror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/file"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/filesystem"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/service"
)

var dataLakeChecks = []check{
	{"data lake: a file is appended to, flushed and read in ranges", appendAndRead},
	{"data lake: an upload in chunks comes back whole", uploads},
	{"data lake: paths are listed recursively and in pages", listPaths},
	{"data lake: files and directories are renamed", renames},
	{"data lake: conditions are kept", conditions},
	{"data lake: metadata, headers and access control are kept", properties},
	{"data lake: a lease keeps others out", leases},
	{"data lake: a shared access signature opens one file", signatures},
	{"data lake: the blob endpoint has the same files", blobEndpoint},
	{"data lake: a wrong key is refused", dataLakeWrongKey},
}

// fileSystem makes one for a case.
func fileSystem(ctx context.Context, name string) (*filesystem.Client, error) {
	account, err := service.NewClientFromConnectionString(setting("DataLake"), nil)
	if err != nil {
		return nil, err
	}
	made := account.NewFileSystemClient(sender + "-" + name)
	_, err = made.Create(ctx, nil)
	return made, err
}

func appendAndRead(ctx context.Context) error {
	system, err := fileSystem(ctx, "append")
	if err != nil {
		return err
	}
	if _, err := system.NewDirectoryClient("ä folder").Create(ctx, nil); err != nil {
		return err
	}
	events := system.NewFileClient("ä folder/a b+c%.jsonl")
	if _, err := events.Create(ctx, nil); err != nil {
		return err
	}
	first, second := []byte("first\n"), []byte("second\n")
	if _, err := events.AppendData(ctx, 0, body(first), nil); err != nil {
		return err
	}
	unseen, err := read(ctx, events, nil)
	wrong := []error{err, equal("before the flush", string(unseen), "")}
	_, err = events.AppendData(ctx, int64(len(first)), body(second), nil)
	wrong = append(wrong, err)
	_, late := events.FlushData(ctx, 99, nil)
	if !datalakeerror.HasCode(late, datalakeerror.InvalidFlushPosition) {
		wrong = append(wrong, fmt.Errorf("a flush of what is not there is answered by %w", late))
	}
	_, err = events.FlushData(ctx, int64(len(first)+len(second)), nil)
	wrong = append(wrong, err)
	whole, err := read(ctx, events, nil)
	wrong = append(wrong, err, equal("the file", string(whole), "first\nsecond\n"))
	part, err := read(ctx, events, &file.HTTPRange{Offset: 6, Count: 3})
	wrong = append(wrong, err, equal("a range", string(part), "sec"))
	rest, err := read(ctx, events, &file.HTTPRange{Offset: 6, Count: file.CountToEnd})
	wrong = append(wrong, err, equal("the rest", string(rest), "second\n"))
	_, beyond := read(ctx, events, &file.HTTPRange{Offset: 60, Count: 3})
	wrong = append(wrong, status("a range beyond the end", beyond, http.StatusRequestedRangeNotSatisfiable))
	_, err = events.Delete(ctx, nil)
	_, gone := events.GetProperties(ctx, nil)
	return errors.Join(append(wrong, err, status("what was deleted", gone, http.StatusNotFound))...)
}

func uploads(ctx context.Context) error {
	system, err := fileSystem(ctx, "upload")
	if err != nil {
		return err
	}
	content := bytes.Repeat([]byte("0123456789abcdef"), 300_000) // 4.8 MB
	buffered, streamed := system.NewFileClient("deep/down/buffer"), system.NewFileClient("deep/down/stream")
	if _, err := buffered.Create(ctx, nil); err != nil {
		return err
	}
	if err := buffered.UploadBuffer(ctx, content, &file.UploadBufferOptions{ChunkSize: 1 << 20, Concurrency: 3}); err != nil {
		return err
	}
	if _, err := streamed.Create(ctx, nil); err != nil {
		return err
	}
	if err := streamed.UploadStream(ctx, bytes.NewReader(content), &file.UploadStreamOptions{ChunkSize: 1 << 20}); err != nil {
		return err
	}
	var wrong []error
	for name, client := range map[string]*file.Client{"buffer": buffered, "stream": streamed} {
		got := make([]byte, len(content))
		count, err := client.DownloadBuffer(ctx, got, &file.DownloadBufferOptions{ChunkSize: 1 << 20, Concurrency: 3})
		wrong = append(wrong, err, equal(name+"'s size", count, int64(len(content))),
			equal(name+"'s hash", sha256.Sum256(got), sha256.Sum256(content)))
	}
	return errors.Join(wrong...)
}

func listPaths(ctx context.Context) error {
	system, err := fileSystem(ctx, "list")
	if err != nil {
		return err
	}
	for _, name := range []string{"a/1", "a/b/2", "a/b/c/3", "d/4", "e"} {
		if err := write(ctx, system, name, "some text"); err != nil {
			return err
		}
	}
	list := func(recursive bool, prefix string) ([]string, error) {
		var names []string
		options := &filesystem.ListPathsOptions{MaxResults: to.Ptr(int32(2))}
		if prefix != "" {
			options.Prefix = &prefix
		}
		pager := system.NewListPathsPager(recursive, options)
		for pager.More() {
			page, err := pager.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, path := range page.Paths {
				switch {
				case path.IsDirectory != nil && *path.IsDirectory:
					names = append(names, *path.Name+"/")
				case *path.ContentLength != 9:
					return nil, fmt.Errorf("%s has %d bytes", *path.Name, *path.ContentLength)
				default:
					names = append(names, *path.Name)
				}
			}
		}
		slices.Sort(names)
		return names, nil
	}
	all, errAll := list(true, "")
	top, errTop := list(false, "")
	below, errBelow := list(true, "a/b")
	_, errNone := list(true, "none")
	return errors.Join(errAll, errTop, errBelow,
		equal("all paths", all, []string{"a/", "a/1", "a/b/", "a/b/2", "a/b/c/", "a/b/c/3", "d/", "d/4", "e"}),
		equal("those at the top", top, []string{"a/", "d/", "e"}),
		equal("those below a/b", below, []string{"a/b/2", "a/b/c/", "a/b/c/3"}),
		status("those below what is not there", errNone, http.StatusNotFound))
}

func renames(ctx context.Context) error {
	system, err := fileSystem(ctx, "rename")
	if err != nil {
		return err
	}
	if err := errors.Join(write(ctx, system, "in/ä 1.tmp", "one"), write(ctx, system, "in/sub/2", "two")); err != nil {
		return err
	}
	if _, err := system.NewFileClient("in/ä 1.tmp").Rename(ctx, "in/ü 1.jsonl", nil); err != nil {
		return err
	}
	if _, err := system.NewDirectoryClient("in").Rename(ctx, "out", nil); err != nil {
		return err
	}
	one, err := read(ctx, system.NewFileClient("out/ü 1.jsonl"), nil)
	two, errTwo := read(ctx, system.NewFileClient("out/sub/2"), nil)
	_, gone := system.NewFileClient("in/sub/2").GetProperties(ctx, nil)
	_, none := system.NewFileClient("none").Rename(ctx, "some", nil)
	return errors.Join(err, errTwo, equal("one", string(one), "one"), equal("two", string(two), "two"),
		status("where it was", gone, http.StatusNotFound), status("renaming none", none, http.StatusNotFound))
}

func write(ctx context.Context, system *filesystem.Client, name, text string) error {
	client := system.NewFileClient(name)
	if _, err := client.Create(ctx, nil); err != nil {
		return err
	}
	return client.UploadBuffer(ctx, []byte(text), nil)
}

func read(ctx context.Context, client *file.Client, part *file.HTTPRange) ([]byte, error) {
	response, err := client.DownloadStream(ctx, &file.DownloadStreamOptions{Range: part})
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

func body(content []byte) io.ReadSeekCloser {
	return streaming.NopCloser(bytes.NewReader(content))
}
