// Package statuspage writes public status pages: HTML that needs no script, feeds and badges. It is given
// what to show and asks nobody.
package statuspage
