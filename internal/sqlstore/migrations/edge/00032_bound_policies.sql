-- +goose Up
-- Whether it takes two people to loosen what a version says. A proposal is signed, too (envelope), and so is each yes to it.
ALTER TABLE policies ADD COLUMN two_people BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE policy_votes ADD COLUMN envelope BYTEA;

-- What was proposed before was not signed as it was: it is to be proposed again.
UPDATE policies SET state='overtaken', decided_by='an update of Headrace' WHERE state='proposed';

-- +goose Down
ALTER TABLE policy_votes DROP COLUMN envelope;
ALTER TABLE policies DROP COLUMN two_people;
