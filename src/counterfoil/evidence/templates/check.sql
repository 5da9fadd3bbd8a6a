-- Use of our application in your tenant that our own books do not explain. No row: your exports hold no use but ours.
-- Put your exports (JSON: storage account, Event Hub, Log Analytics, Graph pages, audit records) into folders beside
-- this file, and run:   duckdb -c ".read check.sql"
--     sign-ins/         service-principal sign-ins
--     graph-activity/   MicrosoftGraphActivityLogs
--     mailbox-audit/    records of the Management Activity API
-- A folder that is empty gives an error here; what is not there proves nothing. An address is never a reason.
-- What it asks is from @since@ to @until@.
-- @whole@
-- CSV instead: in place of the line with read_json_objects put, for an audit search and for Log Analytics,
--     SELECT AuditData::JSON AS json FROM read_csv('mailbox-audit/*.csv', all_varchar = true)
--     SELECT to_json(t) AS json FROM read_csv('sign-ins/*.csv', all_varchar = true) AS t
CREATE OR REPLACE TEMP TABLE apps AS SELECT unnest(@apps@) AS app;
CREATE OR REPLACE TEMP TABLE tokens AS SELECT unnest(@tokens@) AS token;
CREATE OR REPLACE TEMP TABLE calls AS SELECT unnest(@calls@) AS call;
CREATE OR REPLACE TEMP TABLE messages AS SELECT unnest(@messages@) AS message;
CREATE OR REPLACE TEMP TABLE listing AS SELECT unnest(@listing@) AS token;
CREATE OR REPLACE TEMP MACRO rows_of(j) AS CASE
    WHEN json_type(j, '$.value') = 'ARRAY' THEN json_extract(j, '$.value[*]')
    WHEN json_type(j, '$.records') = 'ARRAY' THEN json_extract(j, '$.records[*]') ELSE [j] END;
CREATE OR REPLACE TEMP MACRO inner_of(j) AS coalesce(json_extract(j, '$.properties'), j);

SELECT time, 'sign-ins' AS log, 'a sign-in that our books do not have' AS what, address, token, record
FROM (SELECT coalesce(p->>'createdDateTime', p->>'CreatedDateTime', r->>'time') AS time,
             coalesce(p->>'appId', p->>'AppId') AS app,
             coalesce(p->>'ipAddress', p->>'IPAddress') AS address,
             coalesce(p->>'uniqueTokenIdentifier', p->>'UniqueTokenIdentifier') AS token,
             coalesce(p->>'id', p->>'Id') AS record,
             coalesce(r->>'resultType', p->>'ResultType', p->>'$.status.errorCode') AS result
      FROM (SELECT r, inner_of(r) AS p FROM (SELECT unnest(rows_of(json)) AS r FROM (
              SELECT json FROM read_json_objects('sign-ins/**/*.json', maximum_object_size = 1073741824)
            ))))
WHERE lower(app) IN (SELECT app FROM apps) AND result = '0'
  AND coalesce(try_cast(time AS TIMESTAMP) >= TIMESTAMP '@since@' AND try_cast(time AS TIMESTAMP) < TIMESTAMP '@until@', true)
  AND coalesce(token, '') NOT IN (SELECT token FROM tokens) AND coalesce(lower(record), '') NOT IN (SELECT token FROM tokens)
ORDER BY time;

SELECT time, 'graph-activity' AS log, what, address, token, record
FROM (SELECT coalesce(p->>'timeGenerated', p->>'TimeGenerated', r->>'time') AS time,
             coalesce(p->>'appId', p->>'AppId') AS app,
             coalesce(p->>'ipAddress', p->>'IPAddress') AS address,
             coalesce(p->>'signInActivityId', p->>'SignInActivityId') AS token,
             coalesce(p->>'clientRequestId', p->>'ClientRequestId') AS call,
             coalesce(p->>'requestId', p->>'RequestId') AS record,
             coalesce(p->>'requestMethod', p->>'RequestMethod') || ' ' || coalesce(p->>'requestUri', p->>'RequestUri') AS what,
             coalesce(p->>'responseStatusCode', p->>'ResponseStatusCode', '0')::INTEGER AS status
      FROM (SELECT r, inner_of(r) AS p FROM (SELECT unnest(rows_of(json)) AS r FROM (
              SELECT json FROM read_json_objects('graph-activity/**/*.json', maximum_object_size = 1073741824)
            ))))
WHERE lower(app) IN (SELECT app FROM apps) AND status < 400
  AND coalesce(try_cast(time AS TIMESTAMP) >= TIMESTAMP '@since@' AND try_cast(time AS TIMESTAMP) < TIMESTAMP '@until@', true)
  AND (coalesce(token, '') NOT IN (SELECT token FROM tokens)@and-calls@)
ORDER BY time;

SELECT time, 'mailbox-audit' AS log, operation || ' in ' || coalesce(mailbox, 'a mailbox') AS what, address, token, record,
       list_sort(list(DISTINCT message) FILTER (WHERE message <> '')) AS messages
FROM (SELECT time, app, operation, mailbox, address, token, record, result, unnest(named) AS message
      FROM (SELECT r->>'CreationTime' AS time,
             coalesce(r->>'$.AppAccessContext.ClientAppId', r->>'ClientAppId', r->>'AppId') AS app,
             r->>'Operation' AS operation, r->>'MailboxOwnerUPN' AS mailbox,
             coalesce(r->>'ClientIPAddress', r->>'ClientIP') AS address,
             r->>'$.AppAccessContext.UniqueTokenId' AS token, r->>'Id' AS record, r->>'ResultStatus' AS result,
             CASE WHEN len(ids) > 0 THEN ids ELSE [''] END AS named
      FROM (SELECT r, list_transform(list_concat(json_extract_string(r, '$.Folders[*].FolderItems[*].InternetMessageId'),
                                     list_concat(json_extract_string(r, '$.AffectedItems[*].InternetMessageId'),
                                     [json_extract_string(r, '$.Item.InternetMessageId')])), lambda x: x) AS all_ids,
                   list_filter(all_ids, lambda x: x IS NOT NULL) AS ids
            FROM (SELECT unnest(rows_of(json)) AS r FROM (
              SELECT json FROM read_json_objects('mailbox-audit/**/*.json', maximum_object_size = 1073741824)
            )))))
WHERE lower(app) IN (SELECT app FROM apps) AND coalesce(lower(result), '') NOT IN ('failed', 'false')
  AND coalesce(try_cast(time AS TIMESTAMP) >= TIMESTAMP '@since@' AND try_cast(time AS TIMESTAMP) < TIMESTAMP '@until@', true)
  AND (coalesce(token, '') NOT IN (SELECT token FROM tokens)@and-messages@)
GROUP BY ALL ORDER BY time;
