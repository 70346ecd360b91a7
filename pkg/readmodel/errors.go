package readmodel

import "errors"

// ErrCursor: the cursor was not given by this list, or belongs to another query.
var ErrCursor = errors.New("cursor does not belong to this list")

// ErrQuery: a query names a sort, window or bound that does not exist; the message names it.
var ErrQuery = errors.New("query cannot be answered")
