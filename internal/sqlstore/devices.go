// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"time"
)

// Device is a certificate that was issued to a developer's machine.
type Device struct {
	Serial, Developer, Machine string
	IssuedAt, ExpiresAt        time.Time
	LoginAt                    time.Time // zero where a one-time code proved whose it is
	Revoked                    bool
}

// AddDeviceInvite keeps the digest of a one-time code for a developer.
func (d *DB) AddDeviceInvite(ctx context.Context, code, developer string, expires time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO device_invites (code, developer, expires_at) VALUES ($1, $2, $3)`, code, developer, micros(expires))
		return err
	})
}

// UseDeviceInvite uses up a code and returns whose it was; ErrNotFound where it is unknown, used or expired.
func (d *DB) UseDeviceInvite(ctx context.Context, code string, now time.Time) (developer string, err error) {
	err = d.tx(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `DELETE FROM device_invites WHERE code=$1 AND expires_at > $2 RETURNING developer`, code, micros(now)).Scan(&developer)
		if err == sql.ErrNoRows {
			return ErrNotFound
		}
		return err
	})
	return developer, err
}

// UseLogin uses up a login, by its digest, and forgets those that nobody would take any more; ErrNotFound where it was used
// before.
func (d *DB) UseLogin(ctx context.Context, digest string, until, now time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM logins WHERE expires_at < $1`, micros(now)); err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, `INSERT INTO logins (digest, expires_at) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING`, digest, micros(until))
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return ErrNotFound
	})
}

// AddDevice keeps what was issued, and forgets what has expired.
func (d *DB) AddDevice(ctx context.Context, v Device) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM devices WHERE expires_at < $1`, micros(v.IssuedAt)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO devices (serial, developer, machine, issued_at, expires_at, revoked, login_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			v.Serial, v.Developer, v.Machine, micros(v.IssuedAt), micros(v.ExpiresAt), v.Revoked, micros(v.LoginAt))
		return err
	})
}

const deviceCols = `serial, developer, machine, issued_at, expires_at, revoked, login_at`

func scanDevice(r *sql.Rows) (v Device, err error) {
	var issued, expires, login int64
	err = r.Scan(&v.Serial, &v.Developer, &v.Machine, &issued, &expires, &v.Revoked, &login)
	v.IssuedAt, v.ExpiresAt, v.LoginAt = fromMicros(issued), fromMicros(expires), fromMicros(login)
	return v, err
}

// DeviceBySerial returns one certificate; ErrNotFound where none was issued, or it has long expired.
func (d *DB) DeviceBySerial(ctx context.Context, serial string) (Device, error) {
	rows, err := rowsOf(ctx, d.read, scanDevice, `SELECT `+deviceCols+` FROM devices WHERE serial=$1`, serial)
	if err == nil && len(rows) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Device{}, err
	}
	return rows[0], nil
}

// Devices returns the certificates that are good at now, by developer.
func (d *DB) Devices(ctx context.Context, now time.Time) ([]Device, error) {
	return rowsOf(ctx, d.read, scanDevice, `SELECT `+deviceCols+` FROM devices WHERE expires_at > $1 AND NOT revoked ORDER BY developer, issued_at`, micros(now))
}

// RevokeDevices ends all certificates of a developer and returns how many.
func (d *DB) RevokeDevices(ctx context.Context, developer string) (n int64, err error) {
	err = d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE devices SET revoked=TRUE WHERE developer=$1 AND NOT revoked`, developer)
		if err != nil {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	return n, err
}
