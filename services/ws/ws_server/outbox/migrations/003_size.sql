-- A limit for the size of what realtime.publish takes. Without one, a single event may fill the
-- memory of Redis and of every subscriber's connection, and cannot be refused once it has committed.

-- In bytes, of data and tags as text. A function and no table, because it is read with every event
-- and only the owner of the schema may replace it. It is as much as the HTTP API takes.
CREATE FUNCTION realtime.max_publication_bytes() RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 1048576;

CREATE OR REPLACE FUNCTION realtime.publish(channel text, data jsonb, tags jsonb DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    shard integer := hashtext(channel) & 3;
    data_text text := data::text;
    tags_text text := nullif(tags, '{}')::text;
    size integer := octet_length(data_text) + coalesce(octet_length(tags_text), 0);
BEGIN
    IF NOT realtime.is_channel(channel) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('realtime.publish: %s cannot be a channel',
                             quote_nullable(left(channel, 300))),
            HINT = 'A channel has 1 to 255 printable characters, and none of them is *.';
    END IF;
    IF data IS NULL THEN
        RAISE null_value_not_allowed USING
            MESSAGE = 'realtime.publish: data is NULL',
            HINT = 'Publish ''null'' if clients are to get a JSON null.';
    END IF;
    IF jsonb_typeof(tags) <> 'object' OR tags @? 'strict $.* ? (@.type() <> "string")' THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'realtime.publish: tags must be a JSON object of strings',
            HINT = 'Such as ''{"source": "billing"}''.';
    END IF;
    IF size > realtime.max_publication_bytes() THEN
        RAISE program_limit_exceeded USING
            MESSAGE = format('realtime.publish: %s bytes for %L, and at most %s are allowed',
                             size, channel, realtime.max_publication_bytes()),
            HINT = 'Publish an id by which clients ask for the rest, or raise the limit as the owner'
                   ' of the schema: CREATE OR REPLACE FUNCTION realtime.max_publication_bytes()'
                   ' RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN ' || size || ';';
    END IF;
    INSERT INTO realtime.outbox (shard, channel, data, tags)
    VALUES (shard, channel, data_text, tags_text);
    -- Wakes the relay at the commit. Postgres sends equal ones of a transaction once.
    PERFORM pg_notify('realtime_outbox_' || shard, '');
END $$;
