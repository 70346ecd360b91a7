package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/vedette/vedette/services/vedette/client"
)

// row is an event in a parquet file. Names and types are a contract with those who read such files.
type row struct {
	ID            string `parquet:"id"`
	Type          string `parquet:"type,dict"`
	Source        string `parquet:"source,dict"`
	Subject       string `parquet:"subject,dict"`
	Aggregate     string `parquet:"aggregate,dict"`
	AggregateID   string `parquet:"aggregate_id,dict"`
	Time          int64  `parquet:"time,timestamp(microsecond)"`
	Sequence      int64  `parquet:"sequence"`
	Revision      int64  `parquet:"revision"`
	CommandID     string `parquet:"command_id,optional"`
	CausationID   string `parquet:"causation_id,optional"`
	CorrelationID string `parquet:"correlation_id,optional"`
	Actor         string `parquet:"actor,optional,dict"`
	// Data is JSON, as it differs from type to type.
	Data string `parquet:"data,json"`
}

// rowGroup is how many rows are in memory before they are written.
const rowGroup = 10_000

type parquetFile struct {
	writer  *parquet.GenericWriter[row]
	pending int
}

func newParquet(w io.Writer) *parquetFile {
	return &parquetFile{writer: parquet.NewGenericWriter[row](w, parquet.Compression(&zstd.Codec{}), parquet.CreatedBy("vedette", "1", ""))}
}

func (p *parquetFile) write(e client.Event) error {
	v := e.Value
	sequence, err := strconv.ParseInt(string(v.Sequence), 10, 64)
	if err != nil {
		return fmt.Errorf("sequence of event %s: %w", v.ID, err)
	}
	kind, id, _ := strings.Cut(v.Subject, "/")
	_, err = p.writer.Write([]row{{
		ID: v.ID, Type: v.Type, Source: v.Source, Subject: v.Subject, Aggregate: kind, AggregateID: id, Time: v.Time.UnixMicro(),
		Sequence: sequence, Revision: int64(v.Revision), CommandID: v.CommandID, CausationID: v.CausationID,
		CorrelationID: v.CorrelationID, Actor: v.Actor, Data: string(v.Data),
	}})
	if err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	if p.pending++; p.pending < rowGroup {
		return nil
	}
	p.pending = 0
	return p.writer.Flush()
}

func (p *parquetFile) close() error { return p.writer.Close() }
