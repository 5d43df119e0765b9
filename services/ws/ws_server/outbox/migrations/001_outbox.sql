-- The outbox, and what an application calls: publish, attach, detach. Needs PostgreSQL 14.
--
-- publish runs with the rights of its owner, so that a role needs no right on the table. All else
-- runs with the rights of the caller: attach must not open tables that the caller may not open, and
-- to_jsonb may call casts that the owner of a type wrote.

DO $$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE feature_not_supported USING
            MESSAGE = format('the database %I has the encoding %s, but events are JSON in UTF-8',
                             current_database(), current_setting('server_encoding')),
            HINT = 'Make a database with ENCODING ''UTF8''.';
    END IF;
END $$;

-- data and tags are JSON that was checked, as text, because they are only passed on.
CREATE TABLE realtime.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard smallint NOT NULL,
    channel text NOT NULL,
    data text NOT NULL,
    tags text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (
    -- Every row is deleted within milliseconds: vacuum often, or the index is full of the dead.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 100000
);

-- What the server itself accepts: 1 to 255 printable characters without *.
CREATE FUNCTION realtime.is_channel(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN name IS NOT NULL
    AND char_length(name) BETWEEN 1 AND 255
    AND name !~ '[*\u0001-\u001F\u007F-\u00A0\u00AD\u0600-\u0605\u061C\u06DD\u070F\u0890-\u0891\u08E2\u1680\u180E\u2000-\u200F\u2028-\u202F\u205F-\u2064\u2066-\u206F\u3000\uE000-\uF8FF\uFEFF\uFFF9-\uFFFB\U000110BD\U000110CD\U00013430-\U00013438\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A\U000E0001\U000E0020-\U000E007F\U000F0000-\U000FFFFD\U00100000-\U0010FFFD]';

CREATE FUNCTION realtime.publish(channel text, data jsonb, tags jsonb DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    shard integer := hashtext(channel) & 3;
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
    INSERT INTO realtime.outbox (shard, channel, data, tags)
    VALUES (shard, channel, data::text, nullif(tags, '{}')::text);
    -- Wakes the relay at the commit. Postgres sends equal ones of a transaction once.
    PERFORM pg_notify('realtime_outbox_' || shard, '');
END $$;

-- The channel that a template and a row give; NULL if a column that it names is NULL.
CREATE FUNCTION realtime.channel_of(template text, "row" jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    part text[];
    channel text := '';
BEGIN
    FOR part IN SELECT regexp_matches(template, '\{([^{}]*)\}|([^{}]+)', 'g') LOOP
        IF part[1] IS NOT NULL AND NOT "row" ? part[1] THEN
            RAISE undefined_column USING
                MESSAGE = format('realtime: the template %L names a column that the table does not'
                                 ' have any more: %I', template, part[1]),
                HINT = 'Call realtime.attach again with another template, or realtime.detach.';
        END IF;
        channel := channel || coalesce(part[2], "row" ->> part[1]);
    END LOOP;
    RETURN channel;
END $$;

CREATE FUNCTION realtime.publish_row(channel text, op text, "table" text, "row" jsonb, old jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF realtime.is_channel(channel) THEN
        PERFORM realtime.publish(channel, jsonb_build_object(
            'op', op, 'table', "table", 'row', "row", 'old', old));
    ELSIF channel IS NOT NULL THEN
        -- Nobody can be subscribed to it, and the application's write must not fail for it.
        RAISE WARNING 'realtime: nothing is published, because % cannot be a channel',
            quote_literal(left(channel, 300));
    END IF;
END $$;

-- A row that moves to another channel leaves the old one as if deleted, and arrives in the new one
-- as if inserted: who may see one channel may not see the other's rows.
CREATE FUNCTION realtime.row_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    source text := coalesce(pg_partition_root(TG_RELID), TG_RELID)::regclass;
    new_row jsonb;
    old_row jsonb;
    new_channel text;
    old_channel text;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        new_row := to_jsonb(NEW);
        new_channel := realtime.channel_of(TG_ARGV[0], new_row);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        old_row := to_jsonb(OLD);
        old_channel := realtime.channel_of(TG_ARGV[0], old_row);
    END IF;
    IF new_channel = old_channel THEN
        PERFORM realtime.publish_row(new_channel, 'update', source, new_row, old_row);
    ELSE
        PERFORM realtime.publish_row(old_channel, 'delete', source, NULL, old_row);
        PERFORM realtime.publish_row(new_channel, 'insert', source, new_row, NULL);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION realtime.attach("table" regclass, template text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known text[] := ARRAY(SELECT attname FROM pg_attribute
                          WHERE attrelid = "table" AND attnum > 0 AND NOT attisdropped
                          ORDER BY attnum);
    missing text;
BEGIN
    IF "table" IS NULL OR template IS NULL THEN
        RAISE null_value_not_allowed USING
            MESSAGE = 'realtime.attach: table and template must not be NULL';
    END IF;
    IF (SELECT relkind NOT IN ('r', 'p') FROM pg_class WHERE oid = "table") THEN
        RAISE wrong_object_type USING
            MESSAGE = format('realtime.attach: %s is not a table', "table"),
            HINT = 'Views have no row changes of their own: attach the tables below.';
    END IF;
    SELECT named[1] INTO missing FROM regexp_matches(template, '\{([^{}]*)\}', 'g') AS named
    WHERE named[1] <> ALL (known) LIMIT 1;
    IF missing IS NOT NULL THEN
        RAISE undefined_column USING
            MESSAGE = format('realtime.attach: %s has no column %I, which %L names',
                             "table", missing, template),
            HINT = format('Its columns are %s.', array_to_string(known, ', '));
    END IF;
    IF regexp_replace(template, '\{[^{}]*\}', '', 'g') ~ '[{}]'
        OR NOT realtime.is_channel(regexp_replace(template, '\{[^{}]*\}', 'x', 'g'))
    THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('realtime.attach: %L cannot name channels', template),
            HINT = 'Write printable characters without *, and columns in braces: orders:{id}.';
    END IF;
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = "table" AND tgname = 'realtime'
               AND tgfoid <> 'realtime.row_changed'::regproc) THEN
        RAISE duplicate_object USING
            MESSAGE = format('realtime.attach: %s has another trigger named realtime', "table"),
            HINT = 'Give it another name: ALTER TRIGGER … RENAME TO ….';
    END IF;
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER realtime AFTER INSERT OR UPDATE OR DELETE ON %s'
        ' FOR EACH ROW EXECUTE FUNCTION realtime.row_changed(%L)', "table", template);
END $$;

-- Whether the table was attached.
CREATE FUNCTION realtime.detach("table" regclass) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = "table" AND tgname = 'realtime'
                   AND tgfoid = 'realtime.row_changed'::regproc) THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TRIGGER realtime ON %s', "table");
    RETURN true;
END $$;

REVOKE EXECUTE ON FUNCTION realtime.publish(text, jsonb, jsonb) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION realtime.attach(regclass, text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION realtime.detach(regclass) FROM PUBLIC;
