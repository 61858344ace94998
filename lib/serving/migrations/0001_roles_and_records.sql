-- Who owns, who publishes and who reads; and the record of what was published.
-- Roles belong to the server, not to the database: they may be there already. None has a password from here.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['lakehouse_publisher', 'gold_reader', 'gold_reader_pii', 'gold_reader_regional'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', role);
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lakehouse_owner') THEN
        CREATE ROLE lakehouse_owner;
    END IF;
    EXECUTE format('GRANT lakehouse_owner, lakehouse_publisher TO %I', current_user);
    EXECUTE format('GRANT CREATE ON DATABASE %I TO lakehouse_publisher', current_database());
    EXECUTE format('GRANT CREATE ON DATABASE %I TO lakehouse_owner', current_database());
END
$$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;

SET LOCAL ROLE lakehouse_owner;

CREATE SCHEMA serving;
COMMENT ON SCHEMA serving IS 'Which publications of gold there are, and of what.';
GRANT USAGE ON SCHEMA serving TO lakehouse_publisher, gold_reader, gold_reader_pii, gold_reader_regional;

CREATE TABLE serving.publications (
    publication_id bigint PRIMARY KEY,
    run_id bigint NOT NULL,
    through_run_id bigint NOT NULL,
    as_of date,
    schema_name text NOT NULL UNIQUE,
    pii_schema_name text NOT NULL UNIQUE,
    status text NOT NULL CHECK (status IN ('prepared', 'live', 'replaced', 'withdrawn')),
    prepared_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    replaced_at timestamptz
);
COMMENT ON TABLE serving.publications IS 'One row per publication that is there: which run it holds, and since when it is live.';
COMMENT ON COLUMN serving.publications.run_id IS 'The run that published it.';
COMMENT ON COLUMN serving.publications.through_run_id IS 'The last run that found gold unchanged since.';
COMMENT ON COLUMN serving.publications.status IS
    'prepared: not yet live; live; replaced: by a later one; withdrawn: rolled back.';
CREATE UNIQUE INDEX only_one_is_live ON serving.publications ((true)) WHERE status = 'live';

CREATE TABLE serving.loads (
    load_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name text NOT NULL,
    made_from jsonb NOT NULL,
    rows bigint NOT NULL,
    sums jsonb NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE serving.loads IS 'One row per table that was loaded: gold_data.<table_name>_<load_id>.';
COMMENT ON COLUMN serving.loads.made_from IS 'The layout, and the ids and versions of the Delta tables that it was loaded from.';
COMMENT ON COLUMN serving.loads.sums IS 'Of its columns of money, as checked against Delta.';

CREATE TABLE serving.published_tables (
    publication_id bigint NOT NULL REFERENCES serving.publications ON DELETE CASCADE,
    table_name text NOT NULL,
    load_id bigint NOT NULL REFERENCES serving.loads,
    PRIMARY KEY (publication_id, table_name)
);
COMMENT ON TABLE serving.published_tables IS 'One row per publication and table: publications share what did not change.';

CREATE TABLE serving.token_key (key text NOT NULL);
COMMENT ON TABLE serving.token_key IS 'One row: what makes tokens of personal values that nobody can guess.';
INSERT INTO serving.token_key SELECT string_agg(gen_random_uuid()::text, '') FROM generate_series(1, 4);
GRANT SELECT ON serving.token_key TO lakehouse_publisher;

CREATE TABLE serving.countries (
    role_name name NOT NULL,
    country text NOT NULL,
    PRIMARY KEY (role_name, country)
);
COMMENT ON TABLE serving.countries IS 'One row per role and country that its members see as gold_reader_regional.';

CREATE FUNCTION serving.countries_of_reader() RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(country), '{}') FROM serving.countries WHERE pg_has_role(current_user, role_name, 'MEMBER')
$$;
COMMENT ON FUNCTION serving.countries_of_reader IS 'The countries that whoever asks sees as gold_reader_regional.';

CREATE FUNCTION serving.live() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN pg_has_role(current_user, 'gold_reader_pii', 'MEMBER') THEN pii_schema_name ELSE schema_name END
    FROM serving.publications WHERE status = 'live'
$$;
COMMENT ON FUNCTION serving.live IS
    'The schema of the live publication, for who asks: ask once, and all that is read from it is of one run.';

GRANT SELECT ON serving.publications, serving.countries
    TO lakehouse_publisher, gold_reader, gold_reader_pii, gold_reader_regional;
GRANT SELECT, INSERT, UPDATE, DELETE ON serving.publications, serving.loads, serving.published_tables
    TO lakehouse_publisher;

CREATE SCHEMA operations;
COMMENT ON SCHEMA operations IS 'How the lake is, as of its last run.';
GRANT USAGE ON SCHEMA operations TO lakehouse_publisher, gold_reader, gold_reader_pii, gold_reader_regional;

CREATE TABLE operations.runs (
    run_id bigint, environment text, as_of date, started_at timestamptz, seconds double precision, exit_status integer,
    tables_changed bigint, tables_unchanged bigint, warnings text[], failures text[]
);
COMMENT ON TABLE operations.runs IS 'One row per run, the newest ones.';
CREATE TABLE operations.freshness (
    table_name text, newest timestamptz, warn_after text, error_after text, warn_at timestamptz, error_at timestamptz
);
COMMENT ON TABLE operations.freshness IS 'One row per entity: its newest loaded file, and from when on that is too old.';
CREATE TABLE operations.quarantine (
    table_name text, waiting bigint, oldest timestamptz, reason text, rows bigint
);
COMMENT ON TABLE operations.quarantine IS 'One row per entity and reason for which rows wait: the most frequent ones.';
CREATE TABLE operations.conservation (
    layer text, table_name text, is_conserved boolean, run_id bigint, rows_in bigint, accepted bigint, superseded bigint,
    quarantined bigint
);
COMMENT ON TABLE operations.conservation IS 'One row per table whose rows are counted on both sides: its last step.';
GRANT SELECT ON ALL TABLES IN SCHEMA operations TO gold_reader, gold_reader_pii, gold_reader_regional;
GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA operations TO lakehouse_publisher;

SET LOCAL ROLE lakehouse_publisher;

CREATE SCHEMA gold_data;
COMMENT ON SCHEMA gold_data IS 'The loaded tables; readers read them through the views of a publication.';
