-- +goose Up
-- The artifacts in which a withdrawal came, by the digest of their manifest: each is answered with the certificate.
CREATE TABLE carriers (
  withdrawal TEXT NOT NULL,
  manifest TEXT NOT NULL,
  size BIGINT NOT NULL,
  PRIMARY KEY (withdrawal, manifest)
);
-- What the hub takes back itself is signed once it is erased, no longer before: what was on its way is asked anew.
DELETE FROM hub_withdrawals WHERE reason <> '' AND id NOT IN (SELECT id FROM documents WHERE kind = 'certificate');
UPDATE admitted SET expires_at = 1 WHERE expires_at > 0;

-- +goose Down
DROP TABLE carriers;
