CREATE TABLE funai_keys (
    id       text PRIMARY KEY,
    hash     bytea NOT NULL UNIQUE,
    record   jsonb NOT NULL, -- account.Key
    budget   bigint NOT NULL,
    spent    bigint NOT NULL,
    held     bigint NOT NULL,
    CHECK (spent >= 0 AND held >= 0 AND spent + held <= budget)
);

CREATE TABLE funai_holds (
    id     text PRIMARY KEY,
    key    text NOT NULL REFERENCES funai_keys (id),
    lapses timestamptz NOT NULL,
    record jsonb NOT NULL -- account.Hold
);

CREATE INDEX funai_holds_lapses ON funai_holds (key, lapses);

CREATE TABLE funai_usage (
    key    text NOT NULL REFERENCES funai_keys (id),
    number bigint NOT NULL,
    record jsonb NOT NULL, -- account.Usage
    PRIMARY KEY (key, number)
);
