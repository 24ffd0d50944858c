// Fly's own client library against the emulator: every call that package flaps has, with what comes back checked.
//
// The address is in FLY_FLAPS_BASE_URL; any token is good. Run by tests/clients/run.py.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
)

// leftOut are the methods that are not called, each with its reason. Versions with managed Postgres (/v1/postgres...)
// would have them here: it is out of scope.
var leftOut = map[string]string{}

const (
	app    = "fly-go-client"
	org    = "personal"
	region = "fra"
)

func main() {
	if os.Getenv("FLY_FLAPS_BASE_URL") == "" {
		fmt.Fprintln(os.Stderr, "FLY_FLAPS_BASE_URL is not set; this program is for the emulator alone")
		os.Exit(2)
	}
	log.SetOutput(io.Discard) // AppNameAvailable logs
	s, err := newSuite()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	s.apps()
	s.tokens()
	s.platform()
	s.machines()
	s.running()
	s.leases()
	s.updates()
	s.lifecycle()
	s.volumes()
	s.secrets()
	s.secretKeys()
	s.certificates()
	s.addresses()
	s.endOfApps()
	s.methods(leftOut)
	if s.failed > 0 {
		os.Exit(1)
	}
}
