// The Data Lake with azdatalake: conditions, properties, leases, signatures; and its blob endpoint with azblob.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/datalakeerror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/directory"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/file"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/lease"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/sas"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/service"
)

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
