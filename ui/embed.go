// Package ui carries the built web interface inside the program.
package ui
