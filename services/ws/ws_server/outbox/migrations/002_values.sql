-- The values of a row are no syntax of the channel that a template makes of them.
--
-- Without this, a row titled 'plan#mallory' reaches mallory by 'doc:{title}', and 'org:{a}:{b}' is
-- the same channel for ('1', '2:3') and ('1:2', '3').

-- The value with each of #,:/%* and of what cannot be in a channel as %XX, by the bytes of UTF-8; as
-- it is if there is none. An application may call it for what it concatenates itself.
CREATE FUNCTION realtime.percent_encode(value text, separator text DEFAULT '') RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN CASE
    -- Too long for a channel already.
    WHEN char_length(value) > 255 THEN value
    WHEN realtime.is_channel(value) AND translate(value, '#,:/%' || separator, '') = value
        THEN value
    ELSE (
        SELECT coalesce(string_agg(
            CASE
                WHEN realtime.is_channel(c) AND strpos('#,:/%' || separator, c) = 0 THEN c
                ELSE regexp_replace(
                    upper(encode(convert_to(c, 'UTF8'), 'hex')), '(..)', '%\1', 'g')
            END, '' ORDER BY n), '')
        FROM regexp_split_to_table(value, '') WITH ORDINALITY AS split (c, n)
    )
END;

-- As before, with the values encoded. The character between a column and the next ends the first,
-- so it is encoded in the first, too.
CREATE OR REPLACE FUNCTION realtime.channel_of(template text, "row" jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    part text[];
    channel text := '';
BEGIN
    FOR part IN SELECT regexp_matches(
        template, '\{([^{}]*)\}(?:([^{}])([^{}]*)(?=\{))?|([^{}]+)', 'g') LOOP
        IF part[1] IS NOT NULL AND NOT "row" ? part[1] THEN
            RAISE undefined_column USING
                MESSAGE = format('realtime: the template %L names a column that the table does not'
                                 ' have any more: %I', template, part[1]),
                HINT = 'Call realtime.attach again with another template, or realtime.detach.';
        END IF;
        channel := channel || coalesce(
            part[4],
            realtime.percent_encode("row" ->> part[1], coalesce(part[2], ''))
                || coalesce(part[2], '') || coalesce(part[3], ''));
    END LOOP;
    RETURN channel;
END $$;

-- As before, and without what would merge two rows: nothing between two columns, or a % that looks
-- like the beginning of an encoded character.
CREATE OR REPLACE FUNCTION realtime.attach("table" regclass, template text) RETURNS void
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
    IF template ~ '\}(%[^{}]*)?\{' THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('realtime.attach: %L does not keep two columns apart', template),
            HINT = 'Write a character other than % between them: orders:{tenant}:{id}.';
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
