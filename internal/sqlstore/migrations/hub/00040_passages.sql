-- +goose Up
-- When the first hub received a bundle's records that was passed on: retention counts from it; 0: we are the first. passage is the blob
-- that says how it came here, leaves the hashes of all its records once some of them were taken back.
ALTER TABLE admitted ADD COLUMN first_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE admitted ADD COLUMN passage TEXT NOT NULL DEFAULT '';
ALTER TABLE admitted ADD COLUMN leaves TEXT NOT NULL DEFAULT '';

-- What we pass on to others. bundle is empty where a source has nothing for a recipient.
CREATE TABLE passages (
  source TEXT NOT NULL,
  recipient TEXT NOT NULL,
  contributor TEXT NOT NULL,
  bundle TEXT NOT NULL,
  manifest BYTEA NOT NULL, -- the envelope of what is passed on
  passage BYTEA NOT NULL,
  state TEXT NOT NULL, -- none, sending, received, refused
  note TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  PRIMARY KEY (source, recipient)
);
CREATE INDEX passages_state ON passages (state);

-- Whose episodes were passed on to whom.
CREATE TABLE passed (
  contributor TEXT NOT NULL,
  id TEXT NOT NULL,
  recipient TEXT NOT NULL,
  PRIMARY KEY (contributor, id, recipient)
);

-- What we take back from others because it was taken back from us. certificate is JSON, with its proofs; NULL while there is none.
CREATE TABLE onward_withdrawals (
  withdrawal TEXT NOT NULL,
  recipient TEXT NOT NULL,
  id TEXT NOT NULL,
  envelope BYTEA NOT NULL,
  certificate BYTEA,
  recipient_key BYTEA, -- that signed the certificate
  PRIMARY KEY (withdrawal, recipient)
);

-- +goose Down
DROP TABLE onward_withdrawals; DROP TABLE passed; DROP TABLE passages;
ALTER TABLE admitted DROP COLUMN leaves; ALTER TABLE admitted DROP COLUMN passage; ALTER TABLE admitted DROP COLUMN first_at;
