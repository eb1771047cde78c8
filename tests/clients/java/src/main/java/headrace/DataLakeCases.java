package headrace;

import com.azure.core.util.BinaryData;
import com.azure.storage.blob.BlobClient;
import com.azure.storage.blob.BlobServiceClientBuilder;
import com.azure.storage.common.ParallelTransferOptions;
import com.azure.storage.common.StorageSharedKeyCredential;
import com.azure.storage.file.datalake.DataLakeDirectoryClient;
import com.azure.storage.file.datalake.DataLakeFileClient;
import com.azure.storage.file.datalake.DataLakeFileSystemClient;
import com.azure.storage.file.datalake.DataLakeServiceClient;
import com.azure.storage.file.datalake.DataLakeServiceClientBuilder;
import com.azure.storage.file.datalake.models.DataLakeRequestConditions;
import com.azure.storage.file.datalake.models.DataLakeStorageException;
import com.azure.storage.file.datalake.models.FileRange;
import com.azure.storage.file.datalake.models.ListPathsOptions;
import com.azure.storage.file.datalake.models.PathHttpHeaders;
import com.azure.storage.file.datalake.models.PathItem;
import com.azure.storage.file.datalake.models.PathProperties;
import com.azure.storage.file.datalake.options.FileParallelUploadOptions;
import com.azure.storage.file.datalake.specialized.DataLakeLeaseClient;
import com.azure.storage.file.datalake.specialized.DataLakeLeaseClientBuilder;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;

/** azure-storage-file-datalake, and azure-storage-blob on the same files. */
final class DataLakeCases {
    private final Settings settings;
    private final DataLakeFileSystemClient lake;

    DataLakeCases(Settings settings) {
        this.settings = settings;
        lake = service().createFileSystem("java-" + UUID.randomUUID());
    }

    List<Case> all() {
        return List.of(
                new Case("data lake: append, flush, read ranges", this::append),
                new Case("data lake: upload in parts, with metadata and headers", this::upload),
                new Case("data lake: directories, listed recursively and page by page", this::directories),
                new Case("data lake: rename a file and a directory", this::rename),
                new Case("data lake: conditions on etags", this::conditions),
                new Case("data lake: a lease keeps others out", this::lease),
                new Case("data lake: the same file as a blob", this::blob),
                new Case("data lake: a wrong key is refused at once", this::wrongKey));
    }

    private void append() {
        DataLakeFileClient file = lake.createFile("append/readings.jsonl");
        file.append(BinaryData.fromString("first\n"), 0);
        file.append(BinaryData.fromString("second\n"), 6);
        Expect.equal("size before the flush", 0L, file.getProperties().getFileSize());
        file.flush(13, true);
        Expect.equal("size", 13L, file.getProperties().getFileSize());
        Expect.equal("content", "first\nsecond\n", content(file));
        Expect.equal("a range", "second", content(file, new FileRange(6, 6L)));
        file.append(BinaryData.fromString("third\n"), 13);
        file.flush(19, true);
        Expect.equal("the end", "third\n", content(file, new FileRange(13)));
        DataLakeStorageException error = Expect.error(DataLakeStorageException.class, () -> file.flush(100, true));
        Expect.equal("a flush beyond what there is", 400, error.getStatusCode());
    }

    private void upload() {
        byte[] bytes = new byte[9_000_000];
        new Random(7).nextBytes(bytes);
        DataLakeFileClient file = lake.getFileClient("upload/reading.bin");
        var options = new FileParallelUploadOptions(BinaryData.fromBytes(bytes))
                .setParallelTransferOptions(new ParallelTransferOptions()
                        .setBlockSizeLong(4_000_000L)
                        .setMaxSingleUploadSizeLong(4_000_000L))
                .setMetadata(Map.of("station", "KCLT"))
                .setHeaders(new PathHttpHeaders().setContentType("application/x-reading"));
        file.uploadWithResponse(options, Duration.ofSeconds(20), null);
        PathProperties properties = file.getProperties();
        Expect.equal("size", (long) bytes.length, properties.getFileSize());
        Expect.equal("metadata", Map.of("station", "KCLT"), properties.getMetadata());
        Expect.equal("content type", "application/x-reading", properties.getContentType());
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        file.read(read);
        Expect.that(Arrays.equals(bytes, read.toByteArray()), "the bytes come back");
    }

    private void directories() {
        DataLakeDirectoryClient root = lake.createDirectory("kind=weather");
        for (String path : List.of("date=2026-11-22/a.jsonl", "date=2026-11-22/b c.jsonl", "date=2026-11-23/ü.jsonl")) {
            root.createFile(path).upload(BinaryData.fromString("{}"), true);
        }
        List<String> all = List.of(
                "kind=weather/date=2026-11-22",
                "kind=weather/date=2026-11-22/a.jsonl",
                "kind=weather/date=2026-11-22/b c.jsonl",
                "kind=weather/date=2026-11-23",
                "kind=weather/date=2026-11-23/ü.jsonl");
        ListPathsOptions options =
                new ListPathsOptions().setPath("kind=weather").setRecursive(true);
        Expect.equal("recursively", all, names(options));
        Expect.equal("in pages of two", all, names(options.setMaxResults(2)));
        Expect.equal(
                "directories",
                List.of("kind=weather/date=2026-11-22", "kind=weather/date=2026-11-23"),
                names(new ListPathsOptions().setPath("kind=weather")));
        Expect.that(root.getProperties().isDirectory(), "it is a directory");
        DataLakeStorageException error = Expect.error(DataLakeStorageException.class, root::delete);
        Expect.equal("delete what is not empty", 409, error.getStatusCode());
        root.deleteRecursively();
        Expect.that(!root.exists(), "it is gone");
    }

    private void rename() {
        DataLakeFileClient file = lake.getFileClient("rename/old.txt");
        file.upload(BinaryData.fromString("kept"));
        DataLakeFileClient renamed = file.rename(null, "rename/new.txt");
        Expect.equal("content", "kept", content(renamed));
        Expect.that(!file.exists(), "the old name is gone");
        lake.getDirectoryClient("rename").rename(null, "renamed");
        Expect.equal("moved along", "kept", content(lake.getFileClient("renamed/new.txt")));
        Expect.that(!lake.getDirectoryClient("rename").exists(), "the old directory is gone");
    }

    private void conditions() {
        DataLakeFileClient file = lake.getFileClient("conditions.txt");
        file.upload(BinaryData.fromString("one"));
        DataLakeStorageException error =
                Expect.error(DataLakeStorageException.class, () -> file.upload(BinaryData.fromString("two"), false));
        Expect.equal("it is there already", 409, error.getStatusCode());
        String etag = file.getProperties().getETag();
        file.upload(BinaryData.fromString("two"), true);
        var old = new FileParallelUploadOptions(BinaryData.fromString("three"))
                .setRequestConditions(new DataLakeRequestConditions().setIfMatch(etag));
        error = Expect.error(DataLakeStorageException.class, () -> file.uploadWithResponse(old, null, null));
        Expect.equal("an old etag", 412, error.getStatusCode());
        Expect.equal("content", "two", content(file));
    }

    private void lease() {
        DataLakeFileClient file = lake.getFileClient("leased.txt");
        file.upload(BinaryData.fromString("mine"));
        DataLakeLeaseClient lease =
                new DataLakeLeaseClientBuilder().fileClient(file).buildClient();
        String id = lease.acquireLease(15);
        DataLakeStorageException error = Expect.error(DataLakeStorageException.class, file::delete);
        Expect.equal("without the lease", 412, error.getStatusCode());
        file.deleteWithResponse(new DataLakeRequestConditions().setLeaseId(id), null, null);
        Expect.that(!file.exists(), "with it, it is deleted");
    }

    private void blob() {
        lake.getFileClient("blob/shared.txt").upload(BinaryData.fromString("one file"));
        BlobClient blob = new BlobServiceClientBuilder()
                .connectionString(settings.dataLake())
                .buildClient()
                .getBlobContainerClient(lake.getFileSystemName())
                .getBlobClient("blob/shared.txt");
        Expect.equal("content", "one file", blob.downloadContent().toString());
        blob.upload(BinaryData.fromString("rewritten"), true);
        Expect.equal("through the other", "rewritten", content(lake.getFileClient("blob/shared.txt")));
    }

    private void wrongKey() {
        String[] url = lake.getFileSystemUrl().split("/" + lake.getFileSystemName());
        DataLakeServiceClient wrong = new DataLakeServiceClientBuilder()
                .endpoint(url[0])
                .credential(new StorageSharedKeyCredential("devstoreaccount1", "bm90IHRoZSBrZXk="))
                .buildClient();
        DataLakeStorageException error =
                Expect.error(DataLakeStorageException.class, () -> wrong.getFileSystemClient(lake.getFileSystemName())
                        .getProperties());
        Expect.equal("status", 403, error.getStatusCode());
    }

    private DataLakeServiceClient service() {
        return new DataLakeServiceClientBuilder()
                .connectionString(settings.dataLake())
                .buildClient();
    }

    private List<String> names(ListPathsOptions options) {
        return lake.listPaths(options, null).stream().map(PathItem::getName).toList();
    }

    private static String content(DataLakeFileClient file) {
        return content(file, null);
    }

    private static String content(DataLakeFileClient file, FileRange range) {
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        file.readWithResponse(read, range, null, null, false, null, null);
        return read.toString(StandardCharsets.UTF_8);
    }
}
