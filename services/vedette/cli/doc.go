// Package cli are the commands of vedette that speak to a running server over REST.
package cli
