"""What a request can be refused for; each becomes a status, a substatus and Cosmos DB's error body.

CosmosError
├── BadRequest                 400
│   ├── InvalidQuery           400        it does not compile
│   ├── PartitionKeyMismatch   400/1001
│   └── StaleContainer         400/1024
├── Unauthorized               401
├── Forbidden                  403
├── NotFound                   404
│   └── OwnerNotFound          404/1003   the database or container of the resource is not there
├── MethodNotAllowed           405
├── Conflict                   409
├── RangeGone                  410/1002
├── PreconditionFailed         412
├── TooLarge                   413
├── FailedDependency           424        a batch sibling failed
├── TooManyRequests            429/3200
└── ServiceUnavailable         503        the disk is full, or fails

Statuses and substatuses: https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
"""

from __future__ import annotations

import orjson


class CosmosError(Exception):
    """A refusal. `message` is for people, `headers` go out with the answer."""

    status = 500
    code = "InternalServerError"
    substatus = 0

    def __init__(self, message: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(message or self.code)
        self.message = message or self.code
        self.headers = headers or {}

    def body(self, activity: str) -> bytes:
        """The JSON body that the service answers with; `activity` is the request's activity id."""
        errors = orjson.dumps({"Errors": [self.message]}).decode()
        return self._body(errors, activity)

    def _body(self, errors: str, activity: str) -> bytes:
        message = f"Message: {errors}\r\nActivityId: {activity}, Microsoft.Azure.Documents.Common/2.14.0"
        return orjson.dumps({"code": self.code, "message": message})


class BadRequest(CosmosError):
    status = 400
    code = "BadRequest"


class InvalidQuery(BadRequest):
    """A query that does not compile; `sql_code` is the compiler's (SC1001: syntax)."""

    def __init__(self, message: str, sql_code: str) -> None:
        super().__init__(message)
        self.sql_code = sql_code

    def body(self, activity: str) -> bytes:
        error = {"severity": "Error", "code": self.sql_code, "message": self.message}
        return self._body(orjson.dumps({"errors": [error]}).decode(), activity)


class PartitionKeyMismatch(BadRequest):
    substatus = 1001


class StaleContainer(BadRequest):
    substatus = 1024


class Unauthorized(CosmosError):
    status = 401
    code = "Unauthorized"


class Forbidden(CosmosError):
    status = 403
    code = "Forbidden"


class NotFound(CosmosError):
    status = 404
    code = "NotFound"

    def __init__(self, message: str = "Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found") -> None:
        super().__init__(message)


class OwnerNotFound(NotFound):
    substatus = 1003


class MethodNotAllowed(CosmosError):
    status = 405
    code = "MethodNotAllowed"


class Conflict(CosmosError):
    status = 409
    code = "Conflict"


class RangeGone(CosmosError):
    status = 410
    code = "Gone"
    substatus = 1002


class PreconditionFailed(CosmosError):
    status = 412
    code = "PreconditionFailed"

    def __init__(self) -> None:
        super().__init__(
            "One of the specified pre-condition is not met. Learn more: https://aka.ms/CosmosDB/sql/errors/precondition-failed"
        )


class TooLarge(CosmosError):
    status = 413
    code = "RequestEntityTooLarge"

    def __init__(self, message: str = "Request size is too large") -> None:
        super().__init__(message)


class FailedDependency(CosmosError):
    status = 424
    code = "FailedDependency"


class TooManyRequests(CosmosError):
    status = 429
    code = "429"
    substatus = 3200

    def __init__(self, retry_after: float) -> None:
        """`retry_after`: seconds until the budget allows another request."""
        super().__init__(
            "Request rate is large. More Request Units may be needed, so no changes were made. Please retry this "
            "request later. Learn more: http://aka.ms/cosmosdb-error-429",
            {"x-ms-retry-after-ms": str(max(1, round(retry_after * 1000)))},
        )


class ServiceUnavailable(CosmosError):
    status = 503
    code = "ServiceUnavailable"
