// Package process is what every program of Vedette needs around its parts: settings from flags and
// environment, a log, signals, parts that run side by side and end in order, health, a version.
package process
