// The Data Lake with azdatalake, and its blob endpoint with azblob.
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
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/datalakeerror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/directory"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/file"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/filesystem"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/lease"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/sas"
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
	if err := streamed.UploadStream(ctx, bytes.NewReader(content), &file.UploadStreamOptions{ChunkSize: 1 << 20, Concurrency: 3}); err != nil {
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

func conditions(ctx context.Context) error {
	system, err := fileSystem(ctx, "conditions")
	if err != nil {
		return err
	}
	client := system.NewFileClient("once")
	ifNew := &file.AccessConditions{ModifiedAccessConditions: &file.ModifiedAccessConditions{IfNoneMatch: to.Ptr(azcore.ETagAny)}}
	created, err := client.Create(ctx, &file.CreateOptions{AccessConditions: ifNew})
	if err != nil {
		return err
	}
	_, again := client.Create(ctx, &file.CreateOptions{AccessConditions: ifNew})
	if !datalakeerror.HasCode(again, datalakeerror.PathAlreadyExists) {
		return fmt.Errorf("creating it again is answered by %w", again)
	}
	ifSame := &file.AccessConditions{ModifiedAccessConditions: &file.ModifiedAccessConditions{IfMatch: created.ETag}}
	if _, err := client.AppendData(ctx, 0, body([]byte("text")), nil); err != nil {
		return err
	}
	if _, err := client.FlushData(ctx, 4, &file.FlushDataOptions{AccessConditions: ifSame}); err != nil {
		return err
	}
	_, late := client.Delete(ctx, &file.DeleteOptions{AccessConditions: ifSame})
	if !datalakeerror.HasCode(late, datalakeerror.ConditionNotMet) {
		return fmt.Errorf("deleting what has changed is answered by %w", late)
	}
	return status("deleting what has changed", late, http.StatusPreconditionFailed)
}

func properties(ctx context.Context) error {
	system, err := fileSystem(ctx, "properties")
	if err != nil {
		return err
	}
	folder, client := system.NewDirectoryClient("folder"), system.NewFileClient("folder/one")
	if _, err := folder.Create(ctx, &directory.CreateOptions{Permissions: to.Ptr("0750")}); err != nil {
		return err
	}
	if err := write(ctx, system, "folder/one", "text"); err != nil {
		return err
	}
	_, errMetadata := client.SetMetadata(ctx, map[string]*string{"Purpose": to.Ptr("checks")}, nil)
	_, errHeaders := client.SetHTTPHeaders(ctx, file.HTTPHeaders{ContentType: to.Ptr("application/x-ndjson")}, nil)
	_, errAccess := client.SetAccessControl(ctx, &file.SetAccessControlOptions{ACL: to.Ptr("user::rw-,group::r--,other::---")})
	if err := errors.Join(errMetadata, errHeaders, errAccess); err != nil {
		return err
	}
	of, err := client.GetProperties(ctx, nil)
	if err != nil {
		return err
	}
	access, err := client.GetAccessControl(ctx, nil)
	if err != nil {
		return err
	}
	ofFolder, err := folder.GetProperties(ctx, nil)
	if err != nil {
		return err
	}
	accessOfFolder, err := folder.GetAccessControl(ctx, nil)
	if err != nil {
		return err
	}
	purpose := of.Metadata["Purpose"]
	if purpose == nil {
		return fmt.Errorf("the metadata is %v", of.Metadata)
	}
	return errors.Join(
		equal("the metadata", *purpose, "checks"),
		equal("the content type", *of.ContentType, "application/x-ndjson"),
		equal("the length", *of.ContentLength, int64(4)),
		equal("the file's kind", *of.ResourceType, "file"),
		equal("the access control list", *access.ACL, "user::rw-,group::r--,other::---"),
		equal("the folder's kind", *ofFolder.ResourceType, "directory"),
		equal("its permissions", *accessOfFolder.Permissions, "rwxr-x---"),
	)
}

func leases(ctx context.Context) error {
	system, err := fileSystem(ctx, "leases")
	if err != nil {
		return err
	}
	if err := write(ctx, system, "held", "text"); err != nil {
		return err
	}
	client := system.NewFileClient("held")
	holder, err := lease.NewPathClient(client, nil)
	if err != nil {
		return err
	}
	if _, err := holder.AcquireLease(ctx, 60, nil); err != nil {
		return err
	}
	_, kept := client.Delete(ctx, nil)
	_, other := client.AppendData(ctx, 4, body([]byte("more")), nil)
	mine := &file.AccessConditions{LeaseAccessConditions: &file.LeaseAccessConditions{LeaseID: holder.LeaseID()}}
	_, appended := client.AppendData(ctx, 4, body([]byte("more")), &file.AppendDataOptions{LeaseAccessConditions: mine.LeaseAccessConditions})
	_, flushed := client.FlushData(ctx, 8, &file.FlushDataOptions{AccessConditions: mine})
	_, released := holder.ReleaseLease(ctx, nil)
	_, deleted := client.Delete(ctx, nil)
	return errors.Join(appended, flushed, released, deleted,
		status("deleting it", kept, http.StatusPreconditionFailed), status("appending", other, http.StatusPreconditionFailed))
}

func signatures(ctx context.Context) error {
	system, err := fileSystem(ctx, "signatures")
	if err != nil {
		return err
	}
	if err := write(ctx, system, "folder/shared", "text"); err != nil {
		return err
	}
	url, err := system.NewFileClient("folder/shared").GetSASURL(sas.FilePermissions{Read: true}, time.Now().Add(time.Hour), nil)
	if err != nil {
		return err
	}
	guest, err := file.NewClientWithNoCredential(url, nil)
	if err != nil {
		return err
	}
	got, err := read(ctx, guest, nil)
	_, denied := guest.AppendData(ctx, 4, body([]byte("more")), nil)
	return errors.Join(err, equal("the file", string(got), "text"), status("appending", denied, http.StatusForbidden))
}

func blobEndpoint(ctx context.Context) error {
	system, err := fileSystem(ctx, "blobs")
	if err != nil {
		return err
	}
	if err := write(ctx, system, "folder/lake", "from the lake"); err != nil {
		return err
	}
	blobs, err := azblob.NewClientFromConnectionString(setting("DataLake"), nil)
	if err != nil {
		return err
	}
	name := sender + "-blobs"
	if _, err := blobs.UploadBuffer(ctx, name, "folder/blob", []byte("from a blob"), nil); err != nil {
		return err
	}
	response, err := blobs.DownloadStream(ctx, name, "folder/lake", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	lake, err := io.ReadAll(response.Body)
	blob, errBlob := read(ctx, system.NewFileClient("folder/blob"), nil)
	return errors.Join(err, errBlob, equal("the file as a blob", string(lake), "from the lake"),
		equal("the blob as a file", string(blob), "from a blob"))
}

func dataLakeWrongKey(ctx context.Context) error {
	account, err := service.NewClientFromConnectionString(withKey(setting("DataLake"), "d3Jvbmc="), nil)
	if err != nil {
		return err
	}
	client := account.NewFileSystemClient("events").NewFileClient("any")
	_, created := client.Create(ctx, nil)
	_, asked := client.GetProperties(ctx, nil)
	return errors.Join(status("creating", created, http.StatusForbidden), status("asking", asked, http.StatusForbidden))
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
