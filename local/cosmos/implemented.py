"""What of Cosmos DB for NoSQL is here: requests by the server's routes, queries by what compiles, functions by name."""

from __future__ import annotations

from typing import Final

from local.cosmos import batch, patch
from local.cosmos.addresses import NOT_SERVED
from local.cosmos.server import ROUTES
from local.ledger import Entry, Ledger, Names, Table
from local.sql.cosmos.aggregates import AGGREGATES
from local.sql.cosmos.errors import UnsupportedConstruct
from local.sql.cosmos.functions import GROUPS, NOT_EVALUATED
from local.sql.cosmos.select import compile_select

_REQUESTS: Final[dict[tuple[str, str], tuple[tuple[str, str], ...]]] = {
    ("account", "GET"): (
        ("Read the account", "one region, session consistency; advertises the address that was used"),
    ),
    ("databases", "GET"): (("List databases", ""),),
    ("databases", "POST"): (
        ("Create a database", "throughput is taken and not provisioned"),
        ("Query databases", "in one page"),
    ),
    ("database", "GET"): (("Read a database", ""),),
    ("database", "DELETE"): (("Delete a database", ""),),
    ("containers", "GET"): (("List containers", ""),),
    ("containers", "POST"): (
        ("Create a container", "throughput is taken and not provisioned"),
        ("Query containers", "in one page"),
    ),
    ("container", "GET"): (("Read a container", ""),),
    ("container", "PUT"): (("Replace a container", "time to live and indexing policy may change, as in Azure"),),
    ("container", "DELETE"): (("Delete a container", ""),),
    ("ranges", "GET"): (("Partition key ranges", "there is one, whatever is stored; it never splits"),),
    ("offers", "GET"): (("Read throughput", "there is none: 400, in the words of a serverless account"),),
    ("offers", "POST"): (("Query throughput", "there is none: 400, in the words of a serverless account"),),
    ("documents", "GET"): (
        ("Read all documents", "paged; whole, by partition key, by feed range"),
        ("Change feed, latest version", "from the beginning, now or a time; whole, by partition key, by feed range"),
    ),
    ("documents", "POST"): (
        ("Create a document", ""),
        ("Upsert a document", ""),
        ("Query documents", "see below"),
        ("Query plan", "for SDKs that ask: to run the query as it is"),
        ("Transactional batch", "atomic, of up to 100 operations and 2 MB: " + ", ".join(batch.OPERATIONS)),
        ("Bulk", "up to 100 operations on several partition keys, each kept or refused by itself"),
    ),
    ("document", "GET"): (("Read a document", ""),),
    ("document", "PUT"): (("Replace a document", ""),),
    ("document", "PATCH"): (("Patch a document", "up to 10 operations, conditions: " + ", ".join(patch.OPERATIONS)),),
    ("document", "DELETE"): (("Delete a document", ""),),
    ("purge", "POST"): (("Delete by partition key", "at once, and not in the background"),),
}

_FEATURES: Final = (
    Entry("Master key", note="the signature and its date are checked"),
    Entry("Resource ids in addresses", note="of databases and containers; a document goes by its id"),
    Entry("Resource tokens, Microsoft Entra ID", here=False, note="401"),
    Entry("Etags", note="`If-Match`, `If-None-Match`"),
    Entry("Partition keys", note="nested paths, every type, absent and null; kinds Hash and MultiHash (3 levels)"),
    Entry("Feed ranges and hierarchical prefixes", note="version 2 keys"),
    Entry("Time to live", note="of the container and of documents"),
    Entry("Unique keys", note="within a partition, also after an update"),
    Entry("Computed properties", note="in queries and in conditions of patches"),
    Entry("Indexes for `ORDER BY`", note="required, as in Azure: the property by the policy, or several composite"),
    Entry("Indexing", here=False, note="queries scan, narrowed by id and partition key; policies count for charges"),
    Entry(
        "Queries that Azure's gateway leaves to SDKs",
        note="ORDER BY, aggregates and the like over several partitions: answered to every client; in Azure, 400 for "
        "one without a query engine",
    ),
    Entry("Continuation tokens", note="bound to query, container and partition; good after writes and restarts"),
    Entry("Limits of a token's size asked for", here=False, note="tokens have up to 5 KB"),
    Entry("Request charges", note="reads, writes and feeds by the published figures; queries by an estimate"),
    Entry("Rate limits", note="`--ru-budget`: 429 with `x-ms-retry-after-ms`"),
    Entry("Query metrics", note="total time, and what was loaded and returned; 0 for the rest"),
    Entry("Index metrics, query advice", here=False, note="asked for or not, there are none in the answer"),
    Entry("Limits", note="documents 2 MB and 128 levels, ids 1,023 bytes, keys 2,048 bytes (101 in version 1), pages "
          "4 MB, queries 512 KB and 10 JOINs, what a container may have of each kind"),
    Entry("Session tokens", note="sent; there is one replica, so every read sees every acknowledged write"),
    Entry("Consistency levels", note="session, and what is weaker; 400 for what is stronger"),
    Entry("Change feed, all versions and deletes", here=False, note="400"),
    Entry("Pre- and post-triggers", here=False, note="400 for a write that asks for one"),
    *(Entry(name[0].upper() + name[1:], here=False, note="400") for name in NOT_SERVED.values()),
    Entry("Planar geometry", here=False, note="400 for a `geospatialConfig` of type Geometry"),
    Entry("Vector and full-text policies", here=False, note="kept with the container; 400 for their functions"),
)  # fmt: skip

# A query for each construct: it compiles here, or is refused as what the service has and this engine does not.
_CONSTRUCTS: Final = (
    ("`SELECT *`, lists, aliases", "SELECT c.a, c.b AS x, c['y'] FROM c"),
    ("`SELECT VALUE`", "SELECT VALUE c.a FROM c"),
    ("`DISTINCT`", "SELECT DISTINCT c.a FROM c"),
    ("`TOP`, also of a parameter", "SELECT TOP @n * FROM c"),
    ("Objects and arrays in `SELECT`", "SELECT VALUE {'a': c.a, 'b': [c.b, 1]} FROM c"),
    ("`FROM` a path, `FROM ... IN`", "SELECT VALUE t FROM t IN c.tags"),
    ("`JOIN ... IN`, several", "SELECT t, u FROM c JOIN t IN c.tags JOIN u IN t.users"),
    ("Subqueries as values", "SELECT (SELECT VALUE COUNT(1) FROM t IN c.tags) AS many FROM c"),
    ("Subqueries in `FROM` and `JOIN`", "SELECT t FROM c JOIN (SELECT VALUE t FROM t IN c.tags WHERE t > 1) AS t"),
    ("`EXISTS`", "SELECT * FROM c WHERE EXISTS (SELECT VALUE t FROM t IN c.tags WHERE t = 1)"),
    ("`ARRAY`", "SELECT ARRAY(SELECT VALUE t FROM t IN c.tags) AS tags FROM c"),
    ("`WHERE` with `AND`, `OR`, `NOT`", "SELECT * FROM c WHERE NOT (c.a = 1 AND c.b != 2) OR c.d < 3"),
    ("`IN`, `BETWEEN`", "SELECT * FROM c WHERE c.a IN (1, 2) AND c.b BETWEEN 1 AND 2"),
    ("`LIKE` with `ESCAPE`", "SELECT * FROM c WHERE c.a LIKE '%x!%' ESCAPE '!'"),
    ("Arithmetic and bitwise operators, `||`", "SELECT VALUE (c.a * 2 % 3 - 1) | (c.b & 1 ^ ~c.d) FROM c"),
    ("`? :` and `??`", "SELECT VALUE c.a ? c.b : c.d ?? 1 FROM c"),
    ("`ORDER BY`, one or several, `ASC`, `DESC`", "SELECT * FROM c ORDER BY c.a DESC, c.b ASC"),
    ("`GROUP BY`", "SELECT c.a, COUNT(1) AS many FROM c GROUP BY c.a"),
    ("Aggregates over expressions", "SELECT VALUE SUM(c.a * c.b) FROM c"),
    ("`OFFSET LIMIT`", "SELECT * FROM c OFFSET 1 LIMIT 2"),
    ("Parameters", "SELECT * FROM c WHERE c.a = @n"),
    ("A subquery beside aggregates or `GROUP BY`", "SELECT COUNT(1) AS n, (SELECT VALUE 1) AS one FROM c"),
    ("`ORDER BY` of a `FROM` subquery that groups", "SELECT * FROM (SELECT DISTINCT VALUE c.a FROM c) AS d ORDER BY d"),
    ("`ORDER BY RANK`", "SELECT * FROM c ORDER BY RANK FullTextScore(c.a, 'x')"),
    ("User-defined functions", "SELECT VALUE udf.f(c.a) FROM c"),
)  # fmt: skip

_UNVERIFIED: Final = (
    "Across types `=` and `IN` are false and `!=` is true, as SDKs rely on for `!= null`; the documentation's table "
    "says undefined.",
    "What binds to what where the published grammar is silent: `||` as tightly as `+`; `IN`, `BETWEEN` and `LIKE` as "
    "`<`. By the grammar `NOT` binds tighter than any comparison: `NOT c.a = 1` is `(NOT c.a) = 1`.",
    "Arithmetic without a finite result is undefined, so that `NaN` and `Infinity` are only arguments of functions.",
    "`TOP` and `OFFSET LIMIT` count the rows that come out of aggregates and `GROUP BY`, not those that go in.",
    "Regular expressions are those of Python's `regex`, the service's are PCRE: what `regex` cannot read is undefined. "
    "One that takes over a second of CPU time on a document is refused with 400.",
    "What is on the edge of a polygon is within it. Distances and areas agree with the documented ones to a millionth.",
    "The characters of strings are code points: `LENGTH('💩')` is 1.",
    "The words of `ST_ISVALIDDETAILED`, other than of a bad latitude and of an open ring.",
    "The code of a query that parses and means nothing is always SC2100.",
    "Aggregates over nothing: `COUNT` and `SUM` are 0; `AVG`, `MIN` and `MAX` are undefined, so there is no row.",
    "The pages of a query with `DISTINCT` or `GROUP BY` are of the result as it was at the first page. Once that is no "
    "longer kept (after a restart, or 32 others), a page comes only if the result starts as before; else it is 400.",
    "An `ORDER BY` of values over 3,000 bytes is continued only as long as its sorted result is kept.",
    "`If-Modified-Since` of the change feed includes its own second.",
    "Each change has an LSN of its own; in Azure the changes of a transaction share one, and come in one page.",
    "The charge of a query: 2.3 RU, 0.03 for each document that it loads, 0.01 for each KB that it returns.",
    "A refused request costs 1 RU of the budget, one that is refused for the budget nothing.",
)  # fmt: skip


def ledger() -> Ledger:
    """What is here.

    Raises:
        KeyError: the server answers something that nothing is said about.
        SqlError: a construct's example is no query.
    """
    requests = [Entry(name, route[0] != "offers", note) for route in ROUTES for name, note in _REQUESTS[route]]
    functions = [
        (label, [name for function in group for name in (function.name, function.also) if name])
        for label, group in GROUPS.items()
    ]
    return Ledger(
        "Cosmos DB for NoSQL",
        "`python -m local.cosmos` serves the REST API that the official SDKs speak. What is not here is refused, never "
        "ignored, unless it says so.",
        (
            Table("Requests", requests),
            Table("Features", _FEATURES),
            Table("Queries", [Entry(name, _compiles(query), f"`{query}`") for name, query in _CONSTRUCTS]),
            Names(
                "Functions",
                [("Aggregate", AGGREGATES), *functions],
                NOT_EVALUATED,
                "In queries and in the conditions of patches.",
            ),
        ),
        _UNVERIFIED,
    )


def _compiles(query: str) -> bool:
    try:
        compile_select(query, {"@n": 1})
    except UnsupportedConstruct:
        return False
    return True
