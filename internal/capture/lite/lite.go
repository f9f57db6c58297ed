// SPDX-License-Identifier: Apache-2.0

// Package lite opens the SQLite databases in which coding tools keep histories, without disturbing the tool: it takes no
// lock, writes no file, and reads what the tool has committed, in the database or still in its write-ahead log beside it.
//
// SQLite itself would have to create or lock files in the tool's folder to read a database whose log is live. [Open]
// instead lays the log's committed pages over the database's as it is read (https://sqlite.org/fileformat2.html,
// section 4), and shows SQLite a plain, immutable file. A page that the tool moves from the log to the database during
// the reading may be seen too new; whoever follows a history reads it again once it has changed.
package lite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver named "sqlite"
	"modernc.org/sqlite/vfs"
)

const (
	maxLog    = 1 << 30 // a longer log is read up to here
	maxTables = 256 << 10
)

// DB is an open database. Close it when done.
type DB struct {
	*sql.DB
	file *overlaid
	vfs  *vfs.FS
}

// Close closes the database and the files behind it.
func (d *DB) Close() error {
	return errors.Join(d.DB.Close(), d.vfs.Close(), d.file.db.Close(), d.file.closeLog())
}

// Open opens the database at path for reading, and returns the definitions of its tables, one a line.
func Open(ctx context.Context, path string) (*DB, string, error) {
	file, err := overlay(path)
	if err != nil {
		return nil, "", err
	}
	name, fsys, err := vfs.New(single{file})
	if err != nil {
		return nil, "", errors.Join(err, file.db.Close(), file.closeLog())
	}
	pool, err := sql.Open("sqlite", "file:db?vfs="+name+"&mode=ro&immutable=1&_pragma=trusted_schema(0)&_pragma=cell_size_check(1)&_pragma=cache_size(-8192)&_pragma=query_only(1)&_pragma=mmap_size(0)")
	if err != nil {
		return nil, "", errors.Join(err, fsys.Close(), file.db.Close(), file.closeLog())
	}
	pool.SetMaxOpenConns(1)
	d := &DB{pool, file, fsys}
	tables, err := d.tables(ctx)
	if err != nil {
		return nil, "", errors.Join(err, d.Close())
	}
	return d, tables, nil
}

func (d *DB) tables(ctx context.Context) (string, error) {
	rows, err := d.QueryContext(ctx, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL ORDER BY name")
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var all strings.Builder
	for rows.Next() {
		var def string
		if err := rows.Scan(&def); err != nil {
			return "", err
		}
		if all.Len()+len(def) < maxTables {
			all.WriteString(strings.Join(strings.Fields(def), " ") + "\n")
		}
	}
	return all.String(), rows.Err()
}

// overlaid is a database file with its log's pages laid over it.
type overlaid struct {
	db, log *os.File
	size    int64           // of the database, in bytes, as the last commit left it
	page    int64           // bytes in a page
	at      map[int64]int64 // where in the log a page's content is, by the page's index from 0
}

func (o *overlaid) closeLog() error {
	if o.log == nil {
		return nil
	}
	return o.log.Close()
}

func overlay(path string) (*overlaid, error) {
	db, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := db.Stat()
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	o := &overlaid{db: db, size: info.Size()}
	var head [32]byte
	if _, err := db.ReadAt(head[:], 0); err != nil {
		return nil, errors.Join(fmt.Errorf("it is no SQLite database: %w", err), db.Close())
	}
	if o.page = int64(binary.BigEndian.Uint16(head[16:])); o.page == 1 {
		o.page = 65536
	}
	if o.page < 512 || o.page&(o.page-1) != 0 {
		return nil, errors.Join(errors.New("it is no SQLite database: its pages have no size"), db.Close())
	}
	log, err := os.Open(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	o.log = log
	if err := o.readLog(); err != nil {
		return nil, errors.Join(err, db.Close(), log.Close())
	}
	return o, nil
}

// readLog notes the pages of the log up to its last commit. The log ends where a frame's salt or checksum is not that of
// its header: what follows is left over from before, or not written yet.
func (o *overlaid) readLog() error {
	r := io.NewSectionReader(o.log, 0, maxLog)
	var head [32]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil // an empty log, as a tool leaves it behind
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch binary.BigEndian.Uint32(head[:]) {
	case 0x377F0682:
	case 0x377F0683:
		order = binary.BigEndian
	default:
		return nil
	}
	sum := checksum(order, [2]uint32{}, head[:24])
	if int64(binary.BigEndian.Uint32(head[8:])) != o.page || sum != pair(head[24:]) {
		return nil
	}
	pending, committed := map[int64]int64{}, map[int64]int64{}
	frame := make([]byte, 24+o.page)
	for at := int64(32); ; at += int64(len(frame)) {
		if _, err := io.ReadFull(r, frame); err != nil {
			break
		}
		sum = checksum(order, checksum(order, sum, frame[:8]), frame[24:])
		if string(frame[8:16]) != string(head[16:24]) || sum != pair(frame[16:]) {
			break
		}
		pending[int64(binary.BigEndian.Uint32(frame))-1] = at + 24
		if pages := binary.BigEndian.Uint32(frame[4:]); pages > 0 { // this frame commits
			for page, where := range pending {
				committed[page] = where
			}
			clear(pending)
			o.size = int64(pages) * o.page
		}
	}
	o.at = committed
	return nil
}

func pair(b []byte) [2]uint32 {
	return [2]uint32{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}

func checksum(order binary.ByteOrder, s [2]uint32, b []byte) [2]uint32 {
	for ; len(b) >= 8; b = b[8:] {
		s[0] += order.Uint32(b) + s[1]
		s[1] += order.Uint32(b[4:]) + s[0]
	}
	return s
}

// ReadAt implements io.ReaderAt.
func (o *overlaid) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) && off < o.size {
		in := off % o.page
		part := p[n:min(len(p), n+int(min(o.page-in, o.size-off)))]
		src, at := o.db, off
		if where, ok := o.at[off/o.page]; ok {
			src, at = o.log, where+in
		}
		if _, err := src.ReadAt(part, at); err != nil && err != io.EOF {
			return n, err
		}
		for i, b := range [2]byte{1, 1} { // bytes 18 and 19 say that there is a log; SQLite is to see none
			if k := 18 + int64(i) - off; k >= 0 && k < int64(len(part)) {
				part[k] = b
			}
		}
		n, off = n+len(part), off+int64(len(part))
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// single is a file system that holds the one database, as "db".
type single struct{ o *overlaid }

// Open implements fs.FS.
func (s single) Open(name string) (fs.File, error) {
	if name != "db" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return opened{io.NewSectionReader(s.o, 0, s.o.size)}, nil
}

type opened struct{ *io.SectionReader }

func (o opened) Stat() (fs.FileInfo, error) { return info(o.Size()), nil }
func (o opened) Close() error               { return nil }

type info int64

func (info) Name() string       { return "db" }
func (i info) Size() int64      { return int64(i) }
func (info) Mode() fs.FileMode  { return 0o444 }
func (info) ModTime() time.Time { return time.Time{} }
func (info) IsDir() bool        { return false }
func (info) Sys() any           { return nil }
