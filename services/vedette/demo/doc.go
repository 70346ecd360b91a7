// Package demo is a Vedette for newcomers to look at: targets on this machine that are steady, slow,
// flapping and failing, checks that look at them, and an hour of history that never happened. What is made
// up says so: its events are of the actor "demo", its results of the runner "demo".
package demo
